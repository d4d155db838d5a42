namespace Hieno.Metrics;

/// <summary>Agreement beyond chance: (pₒ − pₑ) / (1 − pₑ), pₒ the accuracy and pₑ that of guessing with the same label frequencies.</summary>
/// <remarks>Cohen 1960, <see href="https://doi.org/10.1177/001316446002000104"/>. NaN where truth and prediction hold one and the same label.</remarks>
public sealed class CohenKappa : IMetric
{
    /// <inheritdoc/>
    public string Name => "cohen-kappa";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var matrix = ConfusionMatrix.Of(predictions.Require<ClassPredictions>(this));
        (long[] truth, long[] predicted) = (matrix.TruthTotals(), matrix.PredictedTotals());

        // Multiplied by s², so that "all of one label" is seen exactly: (c·s − Σ pₖtₖ) / (s² − Σ pₖtₖ).
        long s = predictions.Count;
        (long right, long agreement) = (0, 0);
        for (int label = 0; label < truth.Length; label++)
        {
            right += matrix[label, label];
            agreement += truth[label] * predicted[label];
        }

        if (agreement == s * s)
        {
            warnings?.Add("cohen-kappa: undefined, since truth and prediction hold one and the same label in all rows.");
            return double.NaN;
        }

        return (double)((right * s) - agreement) / ((s * s) - agreement);
    }
}
