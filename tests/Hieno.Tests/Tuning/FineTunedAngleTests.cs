using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class FineTunedAngleTests
{
    private static readonly WeightChange[] s_changes =
    [
        new("attention.0", 100, 0.03, 1, 1),
        new("ffn.0", 200, 0.05, 1, 1),
        new("attention.1", 100, 0.01, 1, 1),
        new("ffn.1", 200, 0.04, 1, 1),
    ];

    [Theory]
    [InlineData(AngleChoice.Largest, 0.5, "ffn.0 attention.0")]
    [InlineData(AngleChoice.Smallest, 0.5, "attention.1 attention.0")]
    [InlineData(AngleChoice.Largest, 1.0, "ffn.0 ffn.1 attention.0 attention.1")]
    [InlineData(AngleChoice.Largest, 0.1, "")]
    public void Units_are_taken_by_angle_while_the_budget_holds_them(AngleChoice select, double budget, string expected) =>
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), FineTunedAngle.Choose(s_changes, select, budget).Select(unit => unit.ToString()));

    [Fact]
    public void Training_starts_from_the_pretrained_weights_with_what_an_earlier_run_turned_most()
    {
        using var folder = new TemporaryFolder();
        TextModel turned = TinyTuning.Classifier("bert");
        TinyTuning.Train(new PresetOptions { Units = ["attention.1"], Norms = false }.Create().Apply(turned, seed: 0), steps: 2);
        WeightFiles.SaveModel(turned, folder.Path, companions: null);

        TextModel model = TinyTuning.Classifier("bert");
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = new FineTunedAngleOptions { Tuned = folder.Path, Norms = false, TrainHead = false }.Create().Apply(model, seed: 0);
        Assert.All(TinyTuning.Names(tuned), name => Assert.StartsWith("bert.encoder.layer.1.attention.", name, StringComparison.Ordinal));
        Assert.All(TinyTuning.Weights(model), item => Assert.Equal(before[item.Key], item.Value));
    }

    [Fact]
    public void The_base_model_itself_turns_nothing_and_is_refused()
    {
        using var folder = new TemporaryFolder();
        WeightFiles.SaveModel(TinyTuning.Classifier("bert"), folder.Path, companions: null);
        var error = Assert.Throws<TuningException>(() => new FineTunedAngleOptions { Tuned = folder.Path }.Create().Apply(TinyTuning.Classifier("bert"), seed: 0));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
    }
}
