namespace Hieno.Metrics;

/// <summary>The mean size of the errors, in the unit of the data; over several outputs, the mean of theirs.</summary>
public sealed class MeanAbsoluteError : IMetric
{
    /// <inheritdoc/>
    public string Name => "mae";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, (truth, predicted) => OutputMeasures.MeanOverRows(truth, predicted, (y, p) => Math.Abs(p - y)));
    }
}
