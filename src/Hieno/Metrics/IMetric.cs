namespace Hieno.Metrics;

/// <summary>One number that says how good a model's predictions are.</summary>
/// <remarks>A metric has no state: the same predictions give the same number, in any order of the rows, and one object serves many threads.</remarks>
public interface IMetric
{
    /// <summary>The registered name, lower-case and hyphenated, e.g. <c>macro-f1</c>.</summary>
    string Name { get; }

    /// <summary>True when a larger number is better; early stopping and the best checkpoint go by it.</summary>
    bool HigherIsBetter { get; }

    /// <summary>Computes the metric over all rows.</summary>
    /// <param name="predictions">What the model said, and what was right.</param>
    /// <param name="warnings">Receives a line for each convention that stood in for an undefined value; null when nobody reads them.</param>
    /// <returns>The number; NaN where the metric is undefined for these rows, with a warning that says why.</returns>
    /// <exception cref="MetricException">There is no row, or the predictions are of a kind this metric cannot use.</exception>
    double Compute(Predictions predictions, MetricWarnings? warnings = null);
}
