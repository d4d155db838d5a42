using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class FullTests
{
    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Every_weight_learns_and_the_output_before_is_the_base_models(string family)
    {
        TextModel model = TinyTuning.Language(family);
        float[] before = TinyTuning.Output(model);
        TunedModel tuned = new FullOptions().Create().Apply(model, seed: 0);
        Assert.Equal(before, TinyTuning.Output(model));
        Assert.Equal(tuned.TotalCount, tuned.TrainableCount);

        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        float[] losses = TinyTuning.Train(tuned);
        Assert.True(losses[^1] < losses[0]);
        Assert.All(TinyTuning.Weights(model), item => Assert.NotEqual(weights[item.Key], item.Value));
    }

    [Fact]
    public void A_saved_model_opens_with_the_same_output()
    {
        using var folder = new TemporaryFolder();
        TunedModel tuned = new FullOptions().Create().Apply(TinyTuning.Classifier("bert"), seed: 0);
        TinyTuning.Train(tuned);
        WeightFiles.SaveModel(tuned.Model, folder.Path, companions: null);
        Assert.Equal(TinyTuning.Output(tuned.Text()), TinyTuning.Output(TextModel.Load(folder.Path, HeadChoice.Classification(TinyTuning.Classes))));
    }
}
