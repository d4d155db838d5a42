namespace Hieno.Metrics;

/// <summary>The share of a label's predictions that are right: TP / (TP + FP).</summary>
/// <param name="average">How labels become one number. Default: the positive label of two.</param>
/// <param name="zeroDivision">What a label that was never predicted gets. Default 0.</param>
public sealed class Precision(Average average = Average.Binary, ZeroDivision zeroDivision = ZeroDivision.Zero) : IMetric
{
    /// <inheritdoc/>
    public string Name { get; } = AveragedQuotient.NameOf(average, "precision");

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null) => Quotients(warnings).Compute(predictions, average);

    internal AveragedQuotient Quotients(MetricWarnings? warnings) => new(this, (hits, falseAlarms, _) => (hits, hits + falseAlarms), zeroDivision, warnings);
}
