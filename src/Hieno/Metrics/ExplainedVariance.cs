namespace Hieno.Metrics;

/// <summary>The share of the truth's variance that is explained, a constant error left out of account: 1 − Var(e) / Var(y).</summary>
/// <remarks>Where the truth does not vary: 1 if the error does not either, otherwise 0.</remarks>
/// <param name="average">How several outputs become one number. Default: the plain mean.</param>
public sealed class ExplainedVariance(OutputAverage average = OutputAverage.Uniform) : IMetric
{
    /// <inheritdoc/>
    public string Name => average == OutputAverage.Uniform ? "explained-variance" : "variance-weighted-explained-variance";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return predictions.MeanOverOutputs(this, (truth, predicted) => Of(truth, predicted, warnings), average);
    }

    private double Of(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted, MetricWarnings? warnings)
    {
        double unexplained = OutputMeasures.SquaredDeviations(OutputMeasures.Errors(truth, predicted));
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
