using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class HeadTests
{
    [Theory]
    [InlineData("bert", "bert.pooler.dense.weight,bert.pooler.dense.bias,classifier.weight,classifier.bias")]
    [InlineData("gpt2", "score.weight")]
    [InlineData("llama", "score.weight")]
    public void Only_the_output_layer_of_a_classifier_learns(string family, string names)
    {
        TextModel model = TinyTuning.Classifier(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = new HeadOptions().Create().Apply(model, seed: 0);
        Assert.Equal(names.Split(','), TinyTuning.Names(tuned));
        TinyTuning.Train(tuned);
        Assert.All(TinyTuning.Weights(model), item => Assert.Equal(!names.Split(',').Contains(item.Key), before[item.Key].SequenceEqual(item.Value)));
    }

    [Fact]
    public void A_language_model_learns_its_own_output_layer_and_a_tied_one_is_refused()
    {
        Assert.Equal(["lm_head.weight"], TinyTuning.Names(new HeadOptions().Create().Apply(TinyTuning.Language("llama"), seed: 0)));
        var error = Assert.Throws<TuningException>(() => new HeadOptions().Create().Apply(TinyTuning.Language("gpt2"), seed: 0));
        Assert.Equal(ErrorCodes.TuningNothingTrains, error.Code);
    }
}
