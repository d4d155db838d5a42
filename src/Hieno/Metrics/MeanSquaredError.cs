namespace Hieno.Metrics;

/// <summary>The mean of the squared errors; over several outputs, the mean of theirs.</summary>
public sealed class MeanSquaredError : IMetric
{
    /// <inheritdoc/>
    public string Name => "mse";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, Of);
    }

    internal static double Of(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted) =>
        OutputMeasures.MeanOverRows(truth, predicted, (y, p) => (p - y) * (p - y));
}
