using System.Globalization;

namespace Hieno.Metrics;

/// <summary>Precision and recall in one number: F_β = (1 + β²)TP / ((1 + β²)TP + β²FN + FP).</summary>
/// <remarks>Undefined only where a label neither occurs nor was predicted; a label that was always missed has an F of 0.</remarks>
public sealed class FScore : IMetric
{
    private readonly Average _average;
    private readonly double _beta;
    private readonly ZeroDivision _zeroDivision;

    /// <summary>Chooses the average and the weight of recall.</summary>
    /// <param name="average">How labels become one number. Default: the positive label of two.</param>
    /// <param name="beta">How many times as much recall counts as precision, β. Default 1.</param>
    /// <param name="zeroDivision">What a label gets that neither occurs nor was predicted. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="beta"/> is not a positive finite number.</exception>
    public FScore(Average average = Average.Binary, double beta = 1, ZeroDivision zeroDivision = ZeroDivision.Zero)
    {
        if (!double.IsFinite(beta) || beta <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(beta), beta, "β must be a positive finite number.");
        }

        (_average, _beta, _zeroDivision) = (average, beta, zeroDivision);
        Name = AveragedQuotient.NameOf(average, string.Create(CultureInfo.InvariantCulture, $"f{beta}"));
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null) => Quotients(warnings).Compute(predictions, _average);

    internal AveragedQuotient Quotients(MetricWarnings? warnings)
    {
        double square = _beta * _beta;
        return new(
            this,
            (hits, falseAlarms, misses) => ((1 + square) * hits, ((1 + square) * hits) + (square * misses) + falseAlarms),
            _zeroDivision,
            warnings);
    }
}
