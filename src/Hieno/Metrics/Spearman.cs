namespace Hieno.Metrics;

/// <summary>The correlation of the ranks of truth and prediction, from −1 to 1; equal values share the mean of their ranks.</summary>
/// <remarks>NaN where either does not vary; over several outputs, the mean of theirs.</remarks>
public sealed class Spearman : IMetric
{
    /// <inheritdoc/>
    public string Name => "spearman";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(
            this, (truth, predicted) => Pearson.Of(Ranks.MidRanks(truth), Ranks.MidRanks(predicted), Name, warnings));
    }
}
