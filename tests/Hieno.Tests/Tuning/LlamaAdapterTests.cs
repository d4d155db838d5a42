using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LlamaAdapterTests
{
    private static readonly LlamaAdapterOptions s_options = new() { PromptLength = 4 };

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void The_first_step_starts_from_the_base_model_bit_for_bit(string family)
    {
        TextModel model = TinyTuning.Language(family);
        float[] before = TinyTuning.Output(model);
        s_options.Create().Apply(model, seed: 3);
        Assert.Equal(before, TinyTuning.Output(model)); // the gates are 0
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TunedModel tuned = TinyAdapter.AssertLearns(s_options, family, classifier: false, steps: 40, share: 0.95f);
        Assert.Equal(2 * ((4 * TinyTuning.Width) + 1), tuned.TrainableCount);
        TinyAdapter.AssertLearns(s_options, family, classifier: true, share: 0.95f);
    }

    [Fact]
    public void Only_the_topmost_blocks_are_adapted_and_only_so_many_as_there_are()
    {
        TunedModel tuned = (s_options with { TopBlocks = 1 }).Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Assert.Equal("model.layers.1.self_attn", tuned.Adapter!.Parts.Single().Place.Path);
        Assert.Throws<TuningException>(() => (s_options with { TopBlocks = 3 }).Create().Apply(TinyTuning.Language("llama"), seed: 3));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void It_works_beside_LoRA(string family) => TinyAdapter.AssertComposesWithLoRA(s_options, family);

    [SkippableFact]
    [Trait("tier", "golden")]
    public void It_is_saved_as_peft_does() =>
        TinyAdapter.AssertSavedAsPeftDoes(new LlamaAdapterOptions { PromptLength = 3, TopBlocks = 1 }, "llama", "adaption_prompt");
}
