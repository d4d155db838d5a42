namespace Hieno.Metrics;

/// <summary>The linear correlation of truth and prediction, from −1 to 1; over several outputs, the mean of theirs.</summary>
/// <remarks>NaN where either does not vary.</remarks>
public sealed class Pearson : IMetric
{
    /// <inheritdoc/>
    public string Name => "pearson";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, (truth, predicted) => Of(truth, predicted, Name, warnings));
    }

    internal static double Of(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted, string name, MetricWarnings? warnings)
    {
        double spread = Math.Sqrt(OutputMeasures.SquaredDeviations(truth)) * Math.Sqrt(OutputMeasures.SquaredDeviations(predicted));
        if (spread == 0)
        {
            warnings?.Add($"{name}: undefined, since the truth or the prediction does not vary.");
            return double.NaN;
        }

        (double truthMean, double predictedMean) = (OutputMeasures.Mean(truth), OutputMeasures.Mean(predicted));
        double shared = 0;
        for (int row = 0; row < truth.Length; row++)
        {
            shared += (truth[row] - truthMean) * (predicted[row] - predictedMean);
        }

        return Math.Clamp(shared / spread, -1, 1); // rounding may step over the ends
    }
}
