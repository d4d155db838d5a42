using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>−Σ ln p(token) / (ln 2 · bytes of target text): comparable between models of different tokenizers, as perplexity is not.</summary>
public sealed class BitsPerByte : IMetric
{
    /// <inheritdoc/>
    public string Name => "bits-per-byte";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var tokens = predictions.Require<TokenPredictions>(this);
        return tokens.Bytes switch
        {
            null => throw new MetricException(ErrorCodes.MetricWrongKind, Name, "the length of the target text was not recorded", "Evaluate with byte counts"),
            0 => throw new MetricException(ErrorCodes.MetricEmpty, Name, "the target text has no byte", "Check that the data has answers"),
            { } bytes => tokens.NegativeLogLikelihood / (Math.Log(2) * bytes),
        };
    }
}
