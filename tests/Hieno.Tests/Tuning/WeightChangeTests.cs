using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class WeightChangeTests
{
    [Fact]
    public void The_angle_is_that_of_the_reference()
    {
        Assert.Equal(0.052923951, WeightChange.AngleBetween([1, 2, 3], [1.1f, 1.9f, 3.2f]), 1e-7);
        Assert.Equal(0, WeightChange.AngleBetween([1, 2, 3], [1, 2, 3]));
        Assert.Equal(Math.PI, WeightChange.AngleBetween([1, 2], [-1, -2]), 1e-7);
        Assert.True(double.IsNaN(WeightChange.AngleBetween([0, 0], [1, 2])));
    }

    [Fact]
    public void Only_what_was_trained_has_moved()
    {
        TextModel before = TinyTuning.Classifier("bert");
        TextModel after = TinyTuning.Classifier("bert");
        TinyTuning.Train(new PresetOptions { Units = ["ffn.1"], Norms = false }.Create().Apply(after, seed: 0), steps: 2);

        IReadOnlyList<WeightChange> units = WeightChange.ByUnit(before, after);
        Assert.Equal(["attention.0", "ffn.0", "attention.1", "ffn.1"], units.Select(unit => unit.Name));
        Assert.Equal("ffn.1", units.Single(unit => unit.MeanChange > 0).Name);
        Assert.All(units.SkipLast(1), unit => Assert.Equal(0, unit.Angle));
        Assert.InRange(units[3].Angle, 1e-4, 1);

        IReadOnlyList<WeightChange> components = WeightChange.ByComponent(before, after);
        WeightChange norm = components.Single(component => component.Name == "bert.encoder.layer.*.output.LayerNorm.weight");
        Assert.Equal((32, 0.0), (norm.Count, norm.MeanChange));
        Assert.DoesNotContain("LayerNorm", WeightChange.ToMarkdown(components), StringComparison.Ordinal);
        Assert.Contains("| bert.encoder.layer.*.output.dense.weight | 768 |", WeightChange.ToMarkdown(components), StringComparison.Ordinal);
    }
}
