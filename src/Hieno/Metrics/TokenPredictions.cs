using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>Sums over the target tokens of each example: language modelling.</summary>
public sealed class TokenPredictions : Predictions
{
    private readonly double[] _negativeLogLikelihood;
    private readonly long[] _tokens;
    private readonly long[]? _correct;
    private readonly long[]? _bytes;

    /// <summary>Wraps the sums of the examples.</summary>
    /// <param name="negativeLogLikelihood">−Σ ln p(token) over the target tokens of each example, in nats.</param>
    /// <param name="tokens">Number of target tokens of each example.</param>
    /// <param name="correct">Number of target tokens that were the most probable ones, or null where it was not counted.</param>
    /// <param name="bytes">Length of the target text in UTF-8 bytes, or null where it is not known.</param>
    /// <exception cref="ArgumentException">The arrays are not of one length, or a count is negative or above the number of tokens.</exception>
    /// <exception cref="MetricException">A sum is NaN.</exception>
    public TokenPredictions(double[] negativeLogLikelihood, long[] tokens, long[]? correct = null, long[]? bytes = null)
    {
        ArgumentNullException.ThrowIfNull(negativeLogLikelihood);
        ArgumentNullException.ThrowIfNull(tokens);
        int count = negativeLogLikelihood.Length;
        if (tokens.Length != count || (correct ?? tokens).Length != count || (bytes ?? tokens).Length != count)
        {
            throw new ArgumentException($"TokenPredictions: {count} sums and {tokens.Length} numbers of tokens. Give one of each for an example.", nameof(tokens));
        }

        for (int row = 0; row < count; row++)
        {
            if (tokens[row] < 0 || bytes?[row] < 0 || correct?[row] < 0 || correct?[row] > tokens[row])
            {
                throw new ArgumentException(
                    $"TokenPredictions: example {row} has {tokens[row]} target tokens, {correct?[row] ?? 0} of them correct. Count each target once.", nameof(tokens));
            }

            if (double.IsNaN(negativeLogLikelihood[row]))
            {
                throw new MetricException(
                    ErrorCodes.MetricNotFinite, "TokenPredictions", $"the loss of row {row} is NaN", "Look at that row, and at the training loss before it");
            }
        }

        (_negativeLogLikelihood, _tokens, _correct, _bytes) = (negativeLogLikelihood, tokens, correct, bytes);
    }

    /// <inheritdoc/>
    public override int Count => _tokens.Length;

    /// <summary>−Σ ln p(token) over all target tokens, in nats.</summary>
    public double NegativeLogLikelihood => _negativeLogLikelihood.Sum();

    /// <summary>Number of target tokens.</summary>
    public long Tokens => _tokens.Sum();

    /// <summary>Number of target tokens that were the most probable ones, or null where it was not counted.</summary>
    public long? Correct => _correct?.Sum();

    /// <summary>Length of the target text in UTF-8 bytes, or null where it is not known.</summary>
    public long? Bytes => _bytes?.Sum();

    /// <summary>The sums of a whole corpus as one example; without the examples no confidence interval can be computed.</summary>
    public static TokenPredictions FromTotals(double negativeLogLikelihood, long tokens, long? correct = null, long? bytes = null) =>
        new([negativeLogLikelihood], [tokens], correct is { } c ? [c] : null, bytes is { } b ? [b] : null);

    /// <inheritdoc/>
    protected override Predictions SelectRows(ReadOnlySpan<int> rows) =>
        new TokenPredictions(
            Pick(_negativeLogLikelihood, rows), Pick(_tokens, rows),
            _correct is null ? null : Pick(_correct, rows), _bytes is null ? null : Pick(_bytes, rows));

    /// <summary>The mean of −ln p over the target tokens; refuses predictions without one.</summary>
    internal double MeanPerToken(IMetric metric)
    {
        RequireTokens(metric);
        return NegativeLogLikelihood / Tokens;
    }

    /// <summary>Refuses predictions without a target token.</summary>
    internal void RequireTokens(IMetric metric)
    {
        if (Tokens == 0)
        {
            throw new MetricException(
                ErrorCodes.MetricEmpty, metric.Name, $"none of the {Count} examples has a target token",
                "Check that the data has answers, and that truncation leaves some of them");
        }
    }
}
