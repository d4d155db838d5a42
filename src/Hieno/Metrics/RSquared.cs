namespace Hieno.Metrics;

/// <summary>The share of the truth's variance that is explained, a constant error counted as one: R² = 1 − Σe² / Σ(y − ȳ)².</summary>
/// <remarks>Where the truth does not vary: 1 if all errors are 0, otherwise 0. NaN for fewer than two rows.</remarks>
/// <param name="average">How several outputs become one number. Default: the plain mean.</param>
public sealed class RSquared(OutputAverage average = OutputAverage.Uniform) : IMetric
{
    /// <inheritdoc/>
    public string Name => average == OutputAverage.Uniform ? "r2" : "variance-weighted-r2";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        if (predictions.Require<NumberPredictions>(this).Count < 2)
        {
            warnings?.Add($"{Name}: undefined for fewer than two rows.");
            return double.NaN;
        }

        return predictions.MeanOverOutputs(this, (truth, predicted) => Of(truth, predicted, warnings), average);
    }

    private double Of(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted, MetricWarnings? warnings)
    {
        double unexplained = MeanSquaredError.Of(truth, predicted) * truth.Length;
        double total = OutputMeasures.SquaredDeviations(truth);
        if (total > 0)
        {
            return 1 - (unexplained / total);
        }

        double value = unexplained == 0 ? 1 : 0;
        warnings?.Add($"{Name}: undefined, since the truth does not vary; taken as {value}.");
        return value;
    }
}
