using Hieno.Formats;
using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class TokenMetricsTests
{
    // Two batches: 10 tokens of 2 nats, 30 tokens of 3 nats.
    private static readonly TokenPredictions Corpus = new([20, 90], [10, 30], [5, 9], [40, 80]);

    [Fact]
    public void Perplexity_weighs_tokens_not_batches()
    {
        Assert.Equal(15.642631884, new Perplexity().Compute(Corpus), 1e-9);
        Assert.Equal(2.75, new Loss().Compute(Corpus), 1e-12);
        Assert.Equal(15.642631884, new Perplexity().Compute(TokenPredictions.FromTotals(110, 40)), 1e-9);
    }

    [Fact]
    public void Bits_per_byte_and_token_accuracy()
    {
        Assert.Equal(110 / (Math.Log(2) * 120), new BitsPerByte().Compute(Corpus), 1e-12);
        Assert.Equal(14.0 / 40, new TokenAccuracy().Compute(Corpus), 1e-12);
    }

    [Fact]
    public void A_loss_worse_than_guessing_is_pointed_out_and_never_overflows_into_an_error()
    {
        var warnings = new MetricWarnings();
        Assert.Equal(double.PositiveInfinity, new Perplexity().Compute(TokenPredictions.FromTotals(1e6, 10), warnings));
        Assert.Contains("worse than guessing", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void No_target_token_is_an_error()
    {
        var none = new TokenPredictions([0, 0], [0, 0]);
        var error = Assert.Throws<MetricException>(() => new Perplexity().Compute(none));
        Assert.Equal(ErrorCodes.MetricEmpty, error.Code);
        Assert.Contains("none of the 2 examples has a target token", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_counted_is_not_invented()
    {
        var bare = new TokenPredictions([1], [1]);
        Assert.Throws<MetricException>(() => new TokenAccuracy().Compute(bare));
        Assert.Throws<MetricException>(() => new BitsPerByte().Compute(bare));
    }

    [Fact]
    public void Impossible_counts_and_nan_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new TokenPredictions([1], [1, 2]));
        Assert.Throws<ArgumentException>(() => new TokenPredictions([1], [-1]));
        Assert.Throws<ArgumentException>(() => new TokenPredictions([1], [2], [3]));
        Assert.Throws<MetricException>(() => new TokenPredictions([double.NaN], [2]));
    }
}
