using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class NormsTests
{
    [Theory]
    [InlineData("bert", 5 * 32)]
    [InlineData("gpt2", 5 * 32)]
    [InlineData("llama", 5 * 16)] // gains only
    public void All_normalisation_layers_learn_and_nothing_else(string family, long expected)
    {
        TextModel model = TinyTuning.Language(family);
        TunedModel tuned = new NormsOptions { TrainHead = false }.Create().Apply(model, seed: 0);
        Assert.Equal(expected, tuned.TrainableCount);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TinyTuning.Train(tuned, steps: 2);
        string[] names = TinyTuning.Names(tuned);
        Assert.All(TinyTuning.Weights(model), item => Assert.Equal(!names.Contains(item.Key), before[item.Key].SequenceEqual(item.Value)));
    }
}
