using Hieno.Tensors;

namespace Hieno.Models.Encoders;

/// <summary>What the scores of attention learn of the distance between two tokens, in place of positions or beside them.</summary>
/// <param name="path">Its checkpoint path.</param>
public abstract class DistanceBias(string path) : Module(path)
{
    /// <summary>What is added to the scaled scores of a block, for each pair of tokens that see each other.</summary>
    /// <param name="block">The block.</param>
    /// <param name="q">Its queries, [tokens, C].</param>
    /// <param name="k">Its keys, [N, C].</param>
    /// <param name="spans">What each query sees.</param>
    /// <param name="places">The place of each query among the keys.</param>
    /// <returns>[heads, pairs], in the order of <see cref="AttentionSpans.PairStart"/>.</returns>
    public abstract Tensor Bias(EncoderBlock block, Tensor q, Tensor k, AttentionSpans spans, int[] places);

    /// <summary>Applies <paramref name="of"/> to each pair of tokens.</summary>
    /// <param name="spans">What each query sees.</param>
    /// <param name="of">From the number of the query and that of the key.</param>
    /// <returns>One number a pair, in order.</returns>
    private protected static int[] ForEachPair(AttentionSpans spans, Func<int, int, int> of)
    {
        int[] pairs = new int[spans.PairCount];
        int next = 0;
        for (int query = 0; query < spans.QueryCount; query++)
        {
            for (int key = spans.Start[query]; key < spans.End[query]; key++)
            {
                pairs[next++] = of(query, key);
            }
        }

        return pairs;
    }
}
