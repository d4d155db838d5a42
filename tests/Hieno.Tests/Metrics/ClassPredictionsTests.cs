using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class ClassPredictionsTests
{
    [Fact]
    public void Probabilities_of_a_row_are_the_softmax_of_its_logits()
    {
        var predictions = ClassPredictions.FromLogits([0], new float[,] { { 1000, 1001, float.NegativeInfinity } });
        var p = new double[3];
        predictions.Probabilities(0, p);
        Assert.Equal(1 / (1 + Math.E), p[0], 1e-12);
        Assert.Equal(1, p.Sum(), 1e-12);
        Assert.Equal(0, p[2]);
    }

    [Fact]
    public void A_selection_has_the_chosen_rows_in_order_with_their_scores_and_losses()
    {
        var all = ClassPredictions.FromLogits([0, 1, 1], new float[,] { { 1, 0 }, { 2, 0 }, { 0, 3 } }).WithLosses([0.1, 0.2, 0.3]);
        var chosen = (ClassPredictions)all.Select([2, 0, 2]).Select([0, 1]);
        Assert.Equal([1, 0], chosen.Truth.ToArray());
        Assert.Equal([1, 0], chosen.Predicted.ToArray());
        Assert.Equal([0f, 3f], chosen.Scores(0).ToArray());
        Assert.Equal([0.3, 0.1], chosen.Losses!);
        Assert.Equal(0.2, new Loss().Compute(chosen), 1e-12);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logits_that_are_not_numbers_are_refused_with_their_place(float bad)
    {
        var error = Assert.Throws<MetricException>(() => ClassPredictions.FromLogits([0, 0], new float[,] { { 1, 0 }, { 1, bad } }));
        Assert.Contains("row 1, label 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.1f)]
    [InlineData(1.5f)]
    [InlineData(float.NaN)]
    public void Probabilities_outside_0_and_1_are_refused(float bad) =>
        Assert.Throws<MetricException>(() => ClassPredictions.FromProbabilities([0], new float[,] { { 0.5f, bad } }));

    [Fact]
    public void A_row_without_any_possible_label_is_refused()
    {
        Assert.Throws<MetricException>(() => ClassPredictions.FromProbabilities([0], new float[1, 2]));
        Assert.Throws<MetricException>(() => ClassPredictions.FromLogits([0], new float[,] { { float.NegativeInfinity, float.NegativeInfinity } }));
    }

    [Fact]
    public void Arrays_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLabels([0], [0, 1]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLabels([0, 2], [0, 0], ["a", "b"]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLabels([-100], [0]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLogits([0], new float[2, 2]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLogits([0], new float[1, 0]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLogits([2], new float[1, 2]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLogits([0], new float[1, 2], ["a"]));
        Assert.Throws<ArgumentException>(() => ClassPredictions.FromLabels([0], [0]).WithLosses([1, 2]));
    }

    [Fact]
    public void Without_names_only_labels_that_occur_are_listed()
    {
        Assert.Equal([1, 3, 4], ClassPredictions.FromLabels([1, 3], [3, 4]).ListedLabels());
        Assert.Equal([0, 1, 2], ClassPredictions.FromLabels([1], [1], ["a", "b", "c"]).ListedLabels());
    }
}
