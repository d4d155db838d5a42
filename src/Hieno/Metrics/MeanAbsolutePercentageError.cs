namespace Hieno.Metrics;

/// <summary>The mean size of the errors as a share of the truth: mean(|e| / max(|y|, 2⁻⁵²)). 0.1 is ten per cent; a truth near 0 makes it huge.</summary>
public sealed class MeanAbsolutePercentageError : IMetric
{
    /// <inheritdoc/>
    public string Name => "mape";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, (truth, predicted) => OutputMeasures.MeanOverRows(truth, predicted, (y, p) => Math.Abs(p - y) / Math.Max(Math.Abs(y), 2.220446049250313e-16)));
    }
}
