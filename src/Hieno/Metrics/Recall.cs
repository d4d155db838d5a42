namespace Hieno.Metrics;

/// <summary>The share of a label's rows that were found: TP / (TP + FN).</summary>
/// <param name="average">How labels become one number. Default: the positive label of two.</param>
/// <param name="zeroDivision">What a label without rows gets. Default 0.</param>
public sealed class Recall(Average average = Average.Binary, ZeroDivision zeroDivision = ZeroDivision.Zero) : IMetric
{
    /// <inheritdoc/>
    public string Name { get; } = AveragedQuotient.NameOf(average, "recall");

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null) => Quotients(warnings).Compute(predictions, average);

    internal AveragedQuotient Quotients(MetricWarnings? warnings) => new(this, (hits, _, misses) => (hits, hits + misses), zeroDivision, warnings);
}
