using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class BitFitTests
{
    // Width 16, inner 24, two blocks; by hand as in PartialTests.
    [Theory]
    [InlineData("bert", BitFitOffsets.All, (2 * ((4 * 16) + 24 + 16 + 32)) + 16)]
    [InlineData("bert", BitFitOffsets.QueryAndInner, 2 * (16 + 24))]
    [InlineData("gpt2", BitFitOffsets.All, (2 * (48 + 16 + 24 + 16 + 32)) + 16)]
    [InlineData("gpt2", BitFitOffsets.QueryAndInner, 2 * (16 + 24))] // the first third of the fused offset
    public void Only_offsets_learn(string family, BitFitOffsets offsets, long expected)
    {
        TunedModel tuned = new BitFitOptions { Offsets = offsets, TrainHead = false }.Create().Apply(TinyTuning.Language(family), seed: 0);
        Assert.Equal(expected, tuned.TrainableCount);
        Assert.All(tuned.Trainable, parameter => Assert.EndsWith(".bias", parameter.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void Frozen_tensors_are_bit_identical_and_the_loss_falls()
    {
        TextModel model = TinyTuning.Classifier("bert");
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = new BitFitOptions().Create().Apply(model, seed: 0);
        float[] losses = TinyTuning.Train(tuned, steps: 30);
        string[] learned = TinyTuning.Names(tuned);
        Assert.All(TinyTuning.Weights(model).Where(item => !learned.Contains(item.Key)), item => Assert.Equal(before[item.Key], item.Value));
        Assert.True(losses[^1] < 0.7 * losses[0], $"{losses[0]} fell to {losses[^1]} only");
    }

    [Fact]
    public void A_model_without_offsets_is_refused()
    {
        var error = Assert.Throws<TuningException>(() => new BitFitOptions().Create().Apply(TinyTuning.Language("llama"), seed: 0));
        Assert.Equal(ErrorCodes.TuningNothingTrains, error.Code);
        Assert.Contains("llama", error.Message, StringComparison.Ordinal);
    }
}
