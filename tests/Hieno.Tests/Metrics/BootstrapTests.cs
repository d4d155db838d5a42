using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class BootstrapTests
{
    [Fact]
    public void The_interval_of_an_accuracy_is_that_of_the_binomial()
    {
        // 320 of 400 rows right: 0.8 ± 1.96 · √(0.8 · 0.2 / 400) = 0.8 ± 0.0392.
        int[] truth = new int[400];
        int[] predicted = [.. Enumerable.Range(0, 400).Select(row => row < 320 ? 0 : 1)];
        var interval = Bootstrap.Interval(new Accuracy(), ClassPredictions.FromLabels(truth, predicted), new BootstrapOptions { Resamples = 4000 });
        Assert.Equal(0.8, interval.Value, 1e-12);
        Assert.Equal(0.8 - 0.0392, interval.Low, 0.004);
        Assert.Equal(0.8 + 0.0392, interval.High, 0.004);
        Assert.Equal(0, interval.Undefined);
    }

    [Fact]
    public void The_same_seed_gives_the_same_interval_and_another_seed_another()
    {
        var sample = SamplePredictions.Numbers(30, 1, 1);
        var first = Bootstrap.Interval(new MeanAbsoluteError(), sample, new BootstrapOptions { Resamples = 200 });
        Assert.Equal(first, Bootstrap.Interval(new MeanAbsoluteError(), sample, new BootstrapOptions { Resamples = 200 }));
        Assert.NotEqual(first, Bootstrap.Interval(new MeanAbsoluteError(), sample, new BootstrapOptions { Resamples = 200, Seed = 1 }));
    }

    [Theory]
    [InlineData("macro-f1")]
    [InlineData("perplexity")]
    [InlineData("samples-f1")]
    [InlineData("spearman")]
    [InlineData("loss")]
    public void More_confidence_makes_the_interval_wider_around_the_value(string name)
    {
        IMetric metric = BuiltInMetrics.Find(name);
        Predictions sample = SamplePredictions.For(metric, 60, 4);
        var narrow = Bootstrap.Interval(metric, sample, new BootstrapOptions { Resamples = 300, Confidence = 0.5 });
        var wide = Bootstrap.Interval(metric, sample, new BootstrapOptions { Resamples = 300, Confidence = 0.99 });
        Assert.True(wide.Low < narrow.Low && narrow.Low < narrow.High && narrow.High < wide.High);
        Assert.InRange(wide.Value, wide.Low, wide.High);
    }

    [Fact]
    public void Draws_for_which_the_metric_is_undefined_are_left_out_and_counted()
    {
        // Of three rows one is positive, so that many draws have no positive or no negative row.
        var few = ClassPredictions.FromLogits([0, 0, 1], new float[,] { { 1, 0 }, { 0, 1 }, { 0, 2 } });
        var interval = Bootstrap.Interval(new RocAuc(), few);
        Assert.InRange(interval.Undefined, 250, 420); // (2/3)³ + (1/3)³ = 1/3 of 1000
        Assert.Equal(1, interval.High);

        var silent = new TokenPredictions([0, 4], [0, 2]); // a quarter of the draws has no target token
        Assert.InRange(Bootstrap.Interval(new Perplexity(), silent).Undefined, 200, 300);
    }

    [Fact]
    public void Draws_of_two_models_are_paired()
    {
        // The second model is right wherever the first is, and in 5 rows more: the difference is never negative, though each accuracy varies by far more.
        int[] truth = new int[100];
        int[] before = [.. Enumerable.Range(0, 100).Select(row => row % 2)];
        int[] after = [.. before.Select((label, row) => row < 10 ? 0 : label)];
        var difference = Bootstrap.Difference(new Accuracy(), ClassPredictions.FromLabels(truth, before), ClassPredictions.FromLabels(truth, after));
        Assert.Equal(0.05, difference.Value, 1e-12);
        Assert.InRange(difference.Low, 0, 0.03);
        Assert.InRange(difference.High, 0.07, 0.12);
        Assert.True(difference.ExcludesZero);

        var none = Bootstrap.Difference(new Accuracy(), ClassPredictions.FromLabels(truth, before), ClassPredictions.FromLabels(truth, before));
        Assert.Equal((0, 0, false), (none.Low, none.High, none.ExcludesZero));
    }

    [Fact]
    public void Models_on_different_rows_are_not_compared() =>
        Assert.Throws<ArgumentException>(() => Bootstrap.Difference(new MeanSquaredError(), new NumberPredictions([1], [1]), new NumberPredictions([1, 2], [1, 2])));
}
