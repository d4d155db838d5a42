using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class ClassificationMetricsTests
{
    // Confusion [[3, 1, 0], [1, 2, 1], [0, 0, 2]].
    private static readonly ClassPredictions Ten =
        ClassPredictions.FromLabels([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], [0, 0, 0, 1, 0, 1, 1, 2, 2, 2]);

    [Theory]
    [InlineData("accuracy", 0.7)]
    [InlineData("macro-f1", 0.707142857)]
    [InlineData("weighted-f1", 0.688571429)]
    [InlineData("micro-f1", 0.7)]
    [InlineData("matthews", 0.553911709)]
    public void Ten_rows_of_three_labels(string name, double expected) =>
        Assert.Equal(expected, BuiltInMetrics.Find(name).Compute(Ten), 1e-9);

    [Fact]
    public void Area_under_the_curve_counts_ties_half()
    {
        float[] scores = [0.1f, 0.4f, 0.35f, 0.8f, 0.4f];
        Assert.Equal(0.75, new RocAuc().Compute(Binary([0, 0, 1, 1, 1], scores)), 1e-12);
    }

    [Fact]
    public void Area_under_the_curve_equals_the_count_of_ordered_pairs()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var sample = SamplePredictions.Classes(40, 2, seed);
            (double wins, int pairs) = (0, 0);
            for (int i = 0; i < sample.Count; i++)
            {
                for (int j = 0; j < sample.Count; j++)
                {
                    if (sample.Truth[i] == 1 && sample.Truth[j] == 0)
                    {
                        float margin = sample.Scores(i)[1] - sample.Scores(i)[0] - (sample.Scores(j)[1] - sample.Scores(j)[0]);
                        wins += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
                        pairs++;
                    }
                }
            }

            Assert.Equal(wins / pairs, new RocAuc().Compute(sample), 1e-12);
        }
    }

    [Fact]
    public void One_label_in_the_truth_leaves_the_area_undefined()
    {
        var warnings = new MetricWarnings();
        Assert.Equal(double.NaN, new RocAuc().Compute(Binary([1, 1], [0.2f, 0.9f]), warnings));
        Assert.Contains("right in no row or in all rows", Assert.Single(warnings), StringComparison.Ordinal);

        var four = ClassPredictions.FromLogits([2, 2, 2], new float[3, 4]);
        Assert.Equal(double.NaN, new RocAuc(RocAucKind.OneVersusRest).Compute(four));
        Assert.Equal(double.NaN, new RocAuc(RocAucKind.OneVersusOne).Compute(four));
    }

    [Fact]
    public void A_label_that_does_not_occur_is_left_out_of_the_mean_area_with_a_warning()
    {
        var warnings = new MetricWarnings();
        var three = ClassPredictions.FromLogits([0, 0, 1, 1], new float[,] { { 2, 1, 0 }, { 1, 0, 0 }, { 0, 1, 0 }, { 0, 2, 1 } }, ["a", "b", "c"]);
        Assert.Equal(1, new RocAuc(RocAucKind.OneVersusOne).Compute(three, warnings), 1e-12);
        Assert.Contains("'c'", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Probabilities_that_do_not_sum_to_1_are_refused_where_labels_are_compared()
    {
        var skewed = ClassPredictions.FromProbabilities([0, 1, 2], new float[,] { { 0.5f, 0.5f, 0.5f }, { 0.2f, 0.4f, 0.4f }, { 0.2f, 0.4f, 0.4f } });
        var error = Assert.Throws<MetricException>(() => new RocAuc(RocAucKind.OneVersusRest).Compute(skewed));
        Assert.Contains("row 0 sum to 1.5", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_label_metrics_name_their_siblings_for_more_labels()
    {
        Assert.Contains("macro-f1", Assert.Throws<MetricException>(() => new FScore().Compute(Ten)).Message, StringComparison.Ordinal);
        var four = SamplePredictions.Classes(9, 4, 1);
        Assert.Contains("roc-auc-ovr", Assert.Throws<MetricException>(() => new RocAuc().Compute(four)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ZeroDivision.Zero, 0.25)] // (0.5 + 0) / 2
    [InlineData(ZeroDivision.One, 0.75)]
    [InlineData(ZeroDivision.NaN, 0.5)] // the label is left out
    public void A_label_never_predicted_counts_as_the_caller_says(ZeroDivision policy, double expected)
    {
        var warnings = new MetricWarnings();
        var predictions = ClassPredictions.FromLabels([0, 1], [0, 0], ["cat", "dog"]);
        Assert.Equal(expected, new Precision(Average.Macro, policy).Compute(predictions, warnings), 1e-12);
        Assert.Contains("macro-precision: undefined for label 'dog'", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_always_missed_has_an_f1_of_0_without_a_warning()
    {
        var warnings = new MetricWarnings();
        Assert.Equal(1.0 / 3, new FScore(Average.Macro).Compute(ClassPredictions.FromLabels([0, 1], [0, 0]), warnings), 1e-12);
        Assert.Empty(warnings);
    }

    [Fact]
    public void Nothing_defined_under_the_nan_policy_is_nan()
    {
        var none = ClassPredictions.FromLabels([0, 0], [0, 0], ["no", "yes"]);
        Assert.Equal(double.NaN, new FScore(zeroDivision: ZeroDivision.NaN).Compute(none));
        Assert.Equal(0, new FScore().Compute(none));
    }

    [Fact]
    public void One_and_the_same_label_everywhere()
    {
        var same = ClassPredictions.FromLabels([1, 1, 1], [1, 1, 1]);
        var warnings = new MetricWarnings();
        Assert.Equal(1, new Accuracy().Compute(same, warnings));
        Assert.Equal(1, new BalancedAccuracy().Compute(same, warnings));
        Assert.Empty(warnings);
        Assert.Equal(0, new Matthews().Compute(same, warnings));
        Assert.Equal(double.NaN, new CohenKappa().Compute(same, warnings));
        Assert.Equal(double.NaN, new BalancedAccuracy(adjusted: true).Compute(same, warnings));
        Assert.Equal(3, warnings.Count);
    }

    [Fact]
    public void Matthews_of_two_labels_is_the_binary_formula()
    {
        // TP 6, FP 2, FN 1, TN 3.
        int[] truth = [1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0];
        int[] predicted = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0];
        double expected = ((6 * 3) - (2 * 1)) / Math.Sqrt(8.0 * 7 * 5 * 4);
        Assert.Equal(expected, new Matthews().Compute(ClassPredictions.FromLabels(truth, predicted)), 1e-12);
    }

    [Fact]
    public void Of_equal_scores_the_lower_index_comes_first()
    {
        var tied = ClassPredictions.FromLogits([0, 1, 2], new float[3, 3]); // all scores 0
        Assert.Equal([0, 0, 0], tied.Predicted.ToArray());
        Assert.Equal(1.0 / 3, new TopKAccuracy(1).Compute(tied), 1e-12);
        Assert.Equal(2.0 / 3, new TopKAccuracy(2).Compute(tied), 1e-12);

        var warnings = new MetricWarnings();
        Assert.Equal(1, new TopKAccuracy(3).Compute(tied, warnings));
        Assert.Single(warnings);
    }

    [Fact]
    public void Top_1_is_the_accuracy()
    {
        var sample = SamplePredictions.Classes(50, 6, 3);
        Assert.Equal(new Accuracy().Compute(sample), new TopKAccuracy(1).Compute(sample));
    }

    [Fact]
    public void Log_loss_of_a_hopeless_row_is_bounded_by_the_precision_of_the_scores()
    {
        float[,] sure = { { 1, 0 } };
        Assert.Equal(-Math.Log(Math.Pow(2, -23)), new LogLoss().Compute(ClassPredictions.FromProbabilities([1], sure)), 1e-9);
        float[,] logits = { { 1000, -1000 } };
        Assert.Equal(-Math.Log(Math.Pow(2, -52)), new LogLoss().Compute(ClassPredictions.FromLogits([1], logits)), 1e-9);
    }

    [Fact]
    public void Brier_of_two_labels_is_half_of_the_general_form()
    {
        var two = ClassPredictions.FromProbabilities([1, 0], new float[,] { { 0.25f, 0.75f }, { 0.5f, 0.5f } });
        Assert.Equal((0.0625 + 0.25) / 2, new Brier().Compute(two), 1e-7);
        var three = ClassPredictions.FromProbabilities([1, 0], new float[,] { { 0.25f, 0.75f, 0 }, { 0.5f, 0.5f, 0 } });
        Assert.Equal(0.0625 + 0.25, new Brier().Compute(three), 1e-7);
    }

    [Fact]
    public void Average_precision_without_a_positive_row_is_0_with_a_warning()
    {
        var warnings = new MetricWarnings();
        Assert.Equal(0, new AveragePrecision().Compute(Binary([0, 0], [0.2f, 0.7f]), warnings));
        Assert.Single(warnings);
    }

    [Fact]
    public void Metrics_of_scores_refuse_bare_labels() =>
        Assert.Contains("have labels only", Assert.Throws<MetricException>(() => new LogLoss().Compute(Ten)).Message, StringComparison.Ordinal);

    private static ClassPredictions Binary(int[] truth, float[] positive)
    {
        var probabilities = new float[truth.Length, 2];
        for (int row = 0; row < truth.Length; row++)
        {
            (probabilities[row, 0], probabilities[row, 1]) = (1 - positive[row], positive[row]);
        }

        return ClassPredictions.FromProbabilities(truth, probabilities);
    }
}
