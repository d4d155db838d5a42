using Hieno.Formats;
using Hieno.Metrics;
using Hieno.Tensors;

namespace Hieno.Tests.Metrics;

public sealed class BuiltInMetricsTests
{
    private static readonly Predictions[] Nothing =
    [
        ClassPredictions.FromLabels([], []), ClassPredictions.FromLogits([], new float[0, 2]), MultiLabelPredictions.FromScores(new bool[0, 2], new float[0, 2]),
        new NumberPredictions([], []), new TokenPredictions([], []),
    ];

    public static TheoryData<string> Names => [.. BuiltInMetrics.All.Select(metric => metric.Name)];

    [Fact]
    public void Names_are_unique_lower_case_and_hyphenated()
    {
        Assert.Equal(BuiltInMetrics.All.Count, BuiltInMetrics.All.Select(metric => metric.Name).Distinct().Count());
        Assert.All(BuiltInMetrics.All, metric => Assert.Matches("^[a-z0-9]+([-.][a-z0-9]+)*$", metric.Name));
    }

    [Fact]
    public void An_unknown_name_is_refused_with_the_list_of_names()
    {
        var error = Assert.Throws<MetricException>(() => BuiltInMetrics.Find("acuracy"));
        Assert.Equal(ErrorCodes.MetricUnknown, error.Code);
        Assert.Contains("accuracy, top-3-accuracy", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_order_of_the_rows_does_not_matter(string name)
    {
        IMetric metric = BuiltInMetrics.Find(name);
        for (ulong seed = 1; seed <= 5; seed++)
        {
            Predictions predictions = SamplePredictions.For(metric, 37, seed);
            int[] order = new Rng(seed, RngStream.Split).Permutation(37, 0);
            Assert.NotEqual(Enumerable.Range(0, 37), order);

            double value = metric.Compute(predictions);
            Assert.True(double.IsFinite(value));
            Assert.Equal(value, metric.Compute(predictions.Select(order)), 1e-12 * Math.Max(1, Math.Abs(value)));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_row_twice_is_the_same_as_once(string name)
    {
        // Adaptive bins are cut by counts and may fall elsewhere.
        IMetric metric = BuiltInMetrics.Find(name);
        Predictions once = SamplePredictions.For(metric, name.StartsWith("adaptive", StringComparison.Ordinal) ? 30 : 31, 6);
        int[] twice = [.. Enumerable.Range(0, once.Count), .. Enumerable.Range(0, once.Count)];
        double value = metric.Compute(once);
        Assert.Equal(value, metric.Compute(once.Select(twice)), 1e-12 * Math.Max(1, Math.Abs(value)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_rows_are_an_error(string name)
    {
        IMetric metric = BuiltInMetrics.Find(name);
        string[] codes = [.. Nothing.Select(predictions => Assert.Throws<MetricException>(() => metric.Compute(predictions)).Code)];
        Assert.Contains(ErrorCodes.MetricEmpty, codes);
        Assert.All(codes, code => Assert.Contains(code, new[] { ErrorCodes.MetricEmpty, ErrorCodes.MetricWrongKind }));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Another_kind_of_predictions_is_refused_by_name(string name)
    {
        IMetric metric = BuiltInMetrics.Find(name);
        Predictions other = SamplePredictions.For(metric, 8, 1) is NumberPredictions ? SamplePredictions.Tokens(8, 1) : SamplePredictions.Numbers(8, 1, 1);
        var error = Assert.Throws<MetricException>(() => metric.Compute(other));
        Assert.Equal(ErrorCodes.MetricWrongKind, error.Code);
        Assert.StartsWith(name + ":", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_lie_within_their_bounds(string name)
    {
        IMetric metric = BuiltInMetrics.Find(name);
        (double low, double high) = name switch
        {
            "matthews" or "cohen-kappa" or "pearson" or "spearman" => (-1.0, 1.0),
            "adjusted-balanced-accuracy" => (-1.0, 1.0),
            "perplexity" => (1.0, double.PositiveInfinity),
            "r2" or "variance-weighted-r2" or "explained-variance" or "variance-weighted-explained-variance" => (double.NegativeInfinity, 1.0),
            _ when metric.HigherIsBetter => (0.0, 1.0),
            "brier" or "calibration-error" or "max-calibration-error" or "adaptive-calibration-error" => (0.0, 1.0),
            _ => (0.0, double.PositiveInfinity),
        };
        for (ulong seed = 1; seed <= 20; seed++)
        {
            Assert.InRange(metric.Compute(SamplePredictions.For(metric, 12, seed)), low, high);
        }
    }
}
