namespace Hieno.Metrics;

/// <summary>The mean of −ln p(right label), in nats; rows are normalised, then p is kept within [ε, 1 − ε].</summary>
/// <remarks>ε is the precision of what the probabilities came as: 2⁻⁵² from logits, whose softmax is computed in 64 bits, and 2⁻²³ from 32-bit probabilities.</remarks>
public sealed class LogLoss : IMetric
{
    private const double Epsilon64 = 2.220446049250313e-16;
    private const double Epsilon32 = 1.1920928955078125e-07;

    /// <inheritdoc/>
    public string Name => "log-loss";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var classes = predictions.Require<ClassPredictions>(this).WithScores(this);
        double epsilon = classes.AreLogits ? Epsilon64 : Epsilon32;
        var probabilities = new double[classes.LabelCount];
        double sum = 0;
        for (int row = 0; row < classes.Count; row++)
        {
            classes.Probabilities(row, probabilities);
            sum -= Math.Log(Math.Clamp(probabilities[classes.Truth[row]], epsilon, 1 - epsilon));
        }

        return sum / classes.Count;
    }
}
