namespace Hieno.Metrics;

/// <summary>The median size of the errors, which outliers do not move; over several outputs, the mean of theirs.</summary>
public sealed class MedianAbsoluteError : IMetric
{
    /// <inheritdoc/>
    public string Name => "median-absolute-error";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, Of);
    }

    private static double Of(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted)
    {
        double[] sizes = OutputMeasures.Errors(truth, predicted);
        for (int row = 0; row < sizes.Length; row++)
        {
            sizes[row] = Math.Abs(sizes[row]);
        }

        Array.Sort(sizes);
        int middle = sizes.Length / 2;
        return sizes.Length % 2 == 1 ? sizes[middle] : (sizes[middle - 1] + sizes[middle]) / 2;
    }
}
