using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PrefixTuningTests
{
    private static readonly PrefixTuningOptions s_options = new() { VirtualTokens = 4 };

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TunedModel tuned = TinyAdapter.AssertLearns(s_options, family, classifier: false, steps: 40, share: 0.95f);
        Assert.Equal(4 * 2 * 2 * (family == "llama" ? 8 : TinyTuning.Width), tuned.TrainableCount); // n · 2 · layers · width of keys
        TinyAdapter.AssertLearns(s_options, family, classifier: true, share: 0.95f);
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Through_a_projection_only_what_it_gives_is_saved(string family)
    {
        TunedModel tuned = TinyAdapter.AssertLearns(s_options with { Projection = true, ProjectionWidth = 6 }, family, classifier: false, steps: 40, share: 0.95f);
        (string name, _, var value) = Assert.Single(PeftFolder.Tensors(tuned.Adapter!));
        Assert.Equal("prompt_embeddings", name);
        Assert.Equal(4, value.Rows);
        Assert.Equal(5, tuned.Trainable.Count); // the table, and two layers with offsets
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void It_works_beside_LoRA(string family) => TinyAdapter.AssertComposesWithLoRA(s_options, family);

    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("llama", "prefix_tuning", false, 16)]
    [InlineData("gpt2", "prefix_tuning_proj", true, 24)]
    [InlineData("bert_seqcls", "prefix_tuning_seqcls", false, 32)]
    public void It_is_saved_as_peft_does(string baseModel, string adapter, bool projection, int width) => TinyAdapter.AssertSavedAsPeftDoes(
        new PrefixTuningOptions { VirtualTokens = 3, Projection = projection, ProjectionWidth = width, ModulesToSave = baseModel == "bert_seqcls" ? ["classifier"] : [] },
        baseModel, adapter);
}
