using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class CalibrationErrorTests
{
    // Confidences .95 .85 .65 .55 .9; right, right, wrong, right, wrong.
    private static readonly ClassPredictions Five = ClassPredictions.FromProbabilities(
        [0, 0, 1, 0, 1],
        new float[,] { { 0.95f, 0.05f }, { 0.85f, 0.15f }, { 0.65f, 0.35f }, { 0.55f, 0.45f }, { 0.9f, 0.1f } });

    [Fact]
    public void Five_rows_in_fifteen_bins() => Assert.Equal(0.44, new CalibrationError().Compute(Five), 1e-6);

    [Fact]
    public void The_largest_gap_is_that_of_the_wrong_and_confident_row() =>
        Assert.Equal(0.9, new CalibrationError(CalibrationKind.Maximum).Compute(Five), 1e-6);

    [Fact]
    public void Bins_are_open_below_and_closed_above()
    {
        var halves = ClassPredictions.FromProbabilities([0, 0], new float[,] { { 0.5f, 0.25f, 0.25f }, { 0.75f, 0.25f, 0 } });
        var bins = new CalibrationError(bins: 4).Bins(halves);
        Assert.Equal([0, 1, 1, 0], bins.Select(bin => bin.Count));
        Assert.Equal(0.5, bins[1].Confidence);
        Assert.Equal(double.NaN, bins[0].Accuracy);
    }

    [Fact]
    public void A_confidence_of_1_is_in_the_last_bin() =>
        Assert.Equal(1, new CalibrationError().Bins(ClassPredictions.FromProbabilities([0], new float[,] { { 1, 0 } }))[^1].Count);

    [Fact]
    public void Adaptive_bins_hold_equally_many_rows()
    {
        var sample = SamplePredictions.Classes(45, 3, 1);
        Assert.All(new CalibrationError(CalibrationKind.Adaptive).Bins(sample), bin => Assert.Equal(3, bin.Count));
    }

    [Theory]
    [InlineData(CalibrationKind.Expected)]
    [InlineData(CalibrationKind.Adaptive)]
    public void One_bin_gives_the_gap_of_accuracy_and_mean_confidence(CalibrationKind kind)
    {
        var sample = SamplePredictions.Classes(45, 3, 2);
        var probabilities = new double[3];
        double confidence = 0;
        for (int row = 0; row < sample.Count; row++)
        {
            sample.Probabilities(row, probabilities);
            confidence += probabilities.Max() / sample.Count;
        }

        Assert.Equal(Math.Abs(new Accuracy().Compute(sample) - confidence), new CalibrationError(kind, bins: 1).Compute(sample), 1e-12);
    }
}
