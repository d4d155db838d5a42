namespace Hieno.Metrics;

/// <summary>The mean recall of the labels that occur in the truth: guessing the most frequent label no longer pays.</summary>
/// <param name="adjusted">Whether chance is moved to 0: (b − 1/K) / (1 − 1/K), K labels in the truth. Default false.</param>
public sealed class BalancedAccuracy(bool adjusted = false) : IMetric
{
    /// <inheritdoc/>
    public string Name { get; } = adjusted ? "adjusted-balanced-accuracy" : "balanced-accuracy";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var matrix = ConfusionMatrix.Of(predictions.Require<ClassPredictions>(this));
        long[] totals = matrix.TruthTotals();
        (double sum, int present) = (0, 0);
        for (int label = 0; label < totals.Length; label++)
        {
            if (totals[label] > 0)
            {
                sum += (double)matrix[label, label] / totals[label];
                present++;
            }
        }

        double balanced = sum / present; // there is a row, so a label is present
        if (!adjusted)
        {
            return balanced;
        }

        if (present == 1)
        {
            warnings?.Add($"{Name}: undefined, since only one label occurs in the truth.");
            return double.NaN;
        }

        double chance = 1.0 / present;
        return (balanced - chance) / (1 - chance);
    }
}
