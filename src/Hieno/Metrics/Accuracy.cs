namespace Hieno.Metrics;

/// <summary>The share of rows that are right. A multi-label row is right when all of its labels are.</summary>
public sealed class Accuracy : IMetric
{
    /// <inheritdoc/>
    public string Name => "accuracy";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        predictions.RequireRows(this);
        return (double)(predictions is MultiLabelPredictions multi ? Right(multi) : Right(predictions.Require<ClassPredictions>(this))) / predictions.Count;
    }

    private static int Right(ClassPredictions predictions)
    {
        int right = 0;
        for (int row = 0; row < predictions.Count; row++)
        {
            right += predictions.Truth[row] == predictions.Predicted[row] ? 1 : 0;
        }

        return right;
    }

    private static int Right(MultiLabelPredictions predictions)
    {
        int right = 0;
        for (int row = 0; row < predictions.Count; row++)
        {
            int label = 0;
            while (label < predictions.LabelCount && predictions.Truth(row, label) == predictions.Predicted(row, label))
            {
                label++;
            }

            right += label == predictions.LabelCount ? 1 : 0;
        }

        return right;
    }
}
