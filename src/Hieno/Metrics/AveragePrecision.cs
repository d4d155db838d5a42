namespace Hieno.Metrics;

/// <summary>The area under the steps of precision over recall: Σ (Rₙ − Rₙ₋₁)Pₙ over the distinct scores, highest first, without interpolation.</summary>
/// <remarks>Label 1 of two; the plain mean over the labels where there are more. 0, with a warning, for a label that is right in no row.</remarks>
public sealed class AveragePrecision : IMetric
{
    /// <inheritdoc/>
    public string Name => "average-precision";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        predictions.RequireRows(this);
        if (predictions is MultiLabelPredictions multi)
        {
            return Enumerable.Range(0, multi.LabelCount).Average(label => Of(multi.Column(label, this), multi.NameOf(label), warnings));
        }

        var classes = predictions.Require<ClassPredictions>(this).WithScores(this);
        int[] truth = classes.Truth.ToArray();
        int first = classes.LabelCount == 2 ? 1 : 0; // of two labels, only the positive one
        return Enumerable.Range(first, classes.LabelCount - first).Average(
            label => Of((classes.RankingScores(label), [.. truth.Select(right => right == label)]), classes.NameOf(label), warnings));
    }

    private static double Of((double[] Scores, bool[] Truth) column, string label, MetricWarnings? warnings)
    {
        double value = Ranks.AveragePrecision(column.Scores, column.Truth);
        if (double.IsNaN(value))
        {
            warnings?.Add($"average-precision: label '{label}' is right in no row; taken as 0.");
            return 0;
        }

        return value;
    }
}
