namespace Hieno.Metrics;

/// <summary>The mean squared error of the probabilities: mean (p − y)² of label 1 for two labels, mean Σₖ (pₖ − yₖ)² for more.</summary>
/// <remarks>Brier 1950, <see href="https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2"/>. His own form for two labels is twice as large.</remarks>
public sealed class Brier : IMetric
{
    /// <inheritdoc/>
    public string Name => "brier";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var classes = predictions.Require<ClassPredictions>(this).WithScores(this);
        int first = classes.LabelCount == 2 ? 1 : 0; // of two labels, only the positive one is counted
        var probabilities = new double[classes.LabelCount];
        double sum = 0;
        for (int row = 0; row < classes.Count; row++)
        {
            classes.Probabilities(row, probabilities);
            for (int label = first; label < probabilities.Length; label++)
            {
                double error = probabilities[label] - (classes.Truth[row] == label ? 1 : 0);
                sum += error * error;
            }
        }

        return sum / classes.Count;
    }
}
