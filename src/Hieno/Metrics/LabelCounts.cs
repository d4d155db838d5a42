namespace Hieno.Metrics;

// Hits and misses of each label, the raw material of precision, recall and F. Classification counts a wrong row twice: as a false
// positive of the predicted label and a false negative of the right one.
internal sealed class LabelCounts
{
    private LabelCounts(string[] names)
    {
        Names = names;
        TruePositives = new long[names.Length];
        FalsePositives = new long[names.Length];
        FalseNegatives = new long[names.Length];
    }

    public string[] Names { get; }

    public long[] TruePositives { get; }

    public long[] FalsePositives { get; }

    public long[] FalseNegatives { get; }

    public long Support(int label) => TruePositives[label] + FalseNegatives[label];

    /// <summary>Counts over all rows, for each listed label.</summary>
    public static LabelCounts Of(Predictions predictions, IMetric metric)
    {
        predictions.RequireRows(metric);
        return predictions is MultiLabelPredictions multi ? Of(multi) : Of(predictions.Require<ClassPredictions>(metric));
    }

    private static LabelCounts Of(ClassPredictions predictions)
    {
        int[] listed = predictions.ListedLabels();
        var counts = new LabelCounts([.. listed.Select(predictions.NameOf)]);
        var positionOf = new int[predictions.LabelCount];
        for (int i = 0; i < listed.Length; i++)
        {
            positionOf[listed[i]] = i;
        }

        for (int row = 0; row < predictions.Count; row++)
        {
            (int truth, int predicted) = (positionOf[predictions.Truth[row]], positionOf[predictions.Predicted[row]]);
            if (truth == predicted)
            {
                counts.TruePositives[truth]++;
            }
            else
            {
                counts.FalseNegatives[truth]++;
                counts.FalsePositives[predicted]++;
            }
        }

        return counts;
    }

    private static LabelCounts Of(MultiLabelPredictions predictions)
    {
        var counts = new LabelCounts([.. Enumerable.Range(0, predictions.LabelCount).Select(predictions.NameOf)]);
        for (int row = 0; row < predictions.Count; row++)
        {
            for (int label = 0; label < predictions.LabelCount; label++)
            {
                long[]? column = (predictions.Truth(row, label), predictions.Predicted(row, label)) switch
                {
                    (true, true) => counts.TruePositives,
                    (false, true) => counts.FalsePositives,
                    (true, false) => counts.FalseNegatives,
                    _ => null,
                };
                if (column is not null)
                {
                    column[label]++;
                }
            }
        }

        return counts;
    }
}
