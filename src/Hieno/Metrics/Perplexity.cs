using System.Globalization;

namespace Hieno.Metrics;

/// <summary>exp(−Σ ln p(token) / number of target tokens) over the corpus: how many tokens the model hesitates between.</summary>
/// <remarks>Tokens weigh alike, so this is neither the exponential of a mean over batches nor the mean over examples. +∞ where it does not fit a double.</remarks>
public sealed class Perplexity : IMetric
{
    private const double Implausible = 20; // nats a token: worse than guessing from any vocabulary in use

    /// <inheritdoc/>
    public string Name => "perplexity";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        double mean = predictions.Require<TokenPredictions>(this).MeanPerToken(this);
        if (mean > Implausible)
        {
            warnings?.Add(string.Create(
                CultureInfo.InvariantCulture, $"perplexity: {mean:F1} nats a token is worse than guessing; the model has diverged, or its labels are misaligned."));
        }

        return Math.Exp(mean);
    }
}
