using Hieno.Advice;

namespace Hieno.Tests.Advice;

public sealed class PerplexitySimilarityTests
{
    [Fact]
    public void The_reference_is_the_loss_of_each_token_under_the_counts_of_the_others_with_one_added()
    {
        int[] tokens = [3, 1, 3, 3, 2];
        const int Vocabulary = 10;
        double expected = tokens.Average(token => -Math.Log((tokens.Count(other => other == token) - 1.0 + 1) / (tokens.Length - 1 + Vocabulary)));
        Assert.Equal(expected, PerplexitySimilarity.Reference(tokens, Vocabulary), 1e-12);
    }
}
