using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>The share of target tokens that the model finds most probable, each given the right tokens before it.</summary>
public sealed class TokenAccuracy : IMetric
{
    /// <inheritdoc/>
    public string Name => "token-accuracy";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var tokens = predictions.Require<TokenPredictions>(this);
        tokens.RequireTokens(this);
        return tokens.Correct is { } correct
            ? (double)correct / tokens.Tokens
            : throw new MetricException(ErrorCodes.MetricWrongKind, Name, "correct tokens were not counted", "Evaluate with counts of correct tokens");
    }
}
