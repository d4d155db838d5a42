namespace Hieno.Metrics;

/// <summary>The square root of the mean squared error, in the unit of the data; over several outputs, the mean of their roots.</summary>
public sealed class RootMeanSquaredError : IMetric
{
    /// <inheritdoc/>
    public string Name => "rmse";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, (truth, predicted) => Math.Sqrt(MeanSquaredError.Of(truth, predicted)));
    }
}
