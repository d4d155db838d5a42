using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PTuningTests
{
    [Theory]
    [InlineData("bert", PromptEncoderKind.Mlp)]
    [InlineData("gpt2", PromptEncoderKind.Lstm)]
    [InlineData("llama", PromptEncoderKind.Mlp)]
    [InlineData("llama", PromptEncoderKind.Lstm)]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family, PromptEncoderKind encoder)
    {
        var options = new PTuningOptions { VirtualTokens = 4, Encoder = encoder, EncoderWidth = 12 };
        TunedModel tuned = TinyAdapter.AssertLearns(options, family, classifier: false, steps: 40, rate: 0.02, share: 0.95f);
        Assert.Single(PeftFolder.Tensors(tuned.Adapter!));
        Assert.Equal(encoder == PromptEncoderKind.Mlp ? 1 + 6 : 1 + 16 + 4, tuned.Trainable.Count);
        TinyAdapter.AssertLearns(options, family, classifier: true, rate: 0.02, share: 0.95f);
    }

    [Fact]
    public void It_works_beside_LoRA() => TinyAdapter.AssertComposesWithLoRA(new PTuningOptions { VirtualTokens = 3 }, "llama");

    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("p_tuning", PromptEncoderKind.Mlp)]
    [InlineData("p_tuning_lstm", PromptEncoderKind.Lstm)]
    public void It_is_saved_as_peft_does(string adapter, PromptEncoderKind encoder) =>
        TinyAdapter.AssertSavedAsPeftDoes(new PTuningOptions { VirtualTokens = 3, Encoder = encoder, EncoderWidth = 16 }, "llama", adapter);
}
