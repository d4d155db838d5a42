using Hieno.Formats;
using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class RegressionMetricsTests
{
    private static readonly NumberPredictions Four = new([3, -0.5, 2, 7], [2.5, 0, 2, 8]);

    [Theory]
    [InlineData("mse", 0.375)]
    [InlineData("mae", 0.5)]
    [InlineData("r2", 0.948608137)]
    [InlineData("rmse", 0.6123724356957945)]
    [InlineData("median-absolute-error", 0.5)]
    public void Four_rows(string name, double expected) => Assert.Equal(expected, BuiltInMetrics.Find(name).Compute(Four), 1e-9);

    [Fact]
    public void A_truth_that_does_not_vary_is_explained_wholly_or_not_at_all()
    {
        // The mean of three times 0.1 is not 0.1 to the last bit; the variance must be 0 all the same.
        var warnings = new MetricWarnings();
        Assert.Equal(1, new RSquared().Compute(new NumberPredictions([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]), warnings));
        Assert.Equal(0, new RSquared().Compute(new NumberPredictions([0.1, 0.1, 0.1], [0.1, 0.1, 0.2]), warnings));
        Assert.Equal(2, warnings.Count);
        Assert.Equal(1, new ExplainedVariance().Compute(new NumberPredictions([1, 1, 1], [4, 4, 4])));
        Assert.Equal(0, new ExplainedVariance().Compute(new NumberPredictions([1, 1, 1], [4, 4, 5])));
    }

    [Fact]
    public void One_row_leaves_r2_undefined()
    {
        var warnings = new MetricWarnings();
        Assert.Equal(double.NaN, new RSquared().Compute(new NumberPredictions([1], [1]), warnings));
        Assert.Contains("fewer than two rows", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pearson")]
    [InlineData("spearman")]
    public void Correlation_with_a_constant_is_undefined(string name)
    {
        var warnings = new MetricWarnings();
        Assert.Equal(double.NaN, BuiltInMetrics.Find(name).Compute(new NumberPredictions([0.1, 0.1, 0.1], [1, 2, 3]), warnings));
        Assert.StartsWith(name + ": undefined", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Pearson_sees_lines_and_spearman_any_rise()
    {
        double[] x = [1, 2, 3, 4, 5];
        Assert.Equal(1, new Pearson().Compute(new NumberPredictions(x, [.. x.Select(v => (3 * v) - 7)])), 1e-15);
        Assert.Equal(-1, new Pearson().Compute(new NumberPredictions(x, [.. x.Select(v => -v)])), 1e-15);
        Assert.Equal(1, new Spearman().Compute(new NumberPredictions(x, [.. x.Select(v => Math.Exp(v * v))])), 1e-15);
        Assert.True(new Pearson().Compute(new NumberPredictions(x, [.. x.Select(v => Math.Exp(v * v))])) < 0.9);
    }

    [Fact]
    public void Median_of_an_even_number_of_errors_is_the_mean_of_the_middle_two() =>
        Assert.Equal(2.5, new MedianAbsoluteError().Compute(new NumberPredictions([0, 0, 0, 0], [1, -2, 3, 100])));

    [Fact]
    public void A_constant_error_lowers_r2_but_not_the_explained_variance()
    {
        var shifted = new NumberPredictions([1, 2, 3], [2, 3, 4]);
        Assert.Equal(-0.5, new RSquared().Compute(shifted), 1e-12);
        Assert.Equal(1, new ExplainedVariance().Compute(shifted), 1e-12);
    }

    [Fact]
    public void Outputs_count_alike_or_by_their_variance()
    {
        var two = new NumberPredictions(new double[,] { { 0, 0 }, { 1, 10 } }, new double[,] { { 1, 0 }, { 0, 10 } });
        Assert.Equal((-3 + 1) / 2.0, new RSquared().Compute(two), 1e-12);
        Assert.Equal(((0.5 * -3) + (50 * 1)) / 50.5, new RSquared(OutputAverage.VarianceWeighted).Compute(two), 1e-12);
        Assert.Equal((1 + 0) / 2.0, new RootMeanSquaredError().Compute(two), 1e-12);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void Numbers_that_are_not_finite_are_refused_with_their_row(double bad)
    {
        var error = Assert.Throws<MetricException>(() => new NumberPredictions([1, 2], [1, bad]));
        Assert.Equal(ErrorCodes.MetricNotFinite, error.Code);
        Assert.Contains("row 1", error.Message, StringComparison.Ordinal);
    }
}
