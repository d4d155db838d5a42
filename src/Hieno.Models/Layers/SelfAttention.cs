using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>What all families do with queries, keys and values once they have them.</summary>
internal static class SelfAttention
{
    /// <summary>Attends within each row, over cached tokens as well where the batch has a cache.</summary>
    /// <param name="layer">Number of the layer, to find its cache.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="q">Queries, [N, heads · head width].</param>
    /// <param name="k">Keys, [N, key-value heads · head width].</param>
    /// <param name="v">Values, shape of <paramref name="k"/>.</param>
    /// <param name="spans">What each token sees.</param>
    /// <param name="options">Heads, scale, dropout.</param>
    public static Tensor Run(int layer, TokenBatch batch, Tensor q, Tensor k, Tensor v, AttentionSpans spans, AttentionOptions options)
    {
        (k, v) = batch.WithPrefix(layer, k, v);
        if (batch.Cache is { } cache)
        {
            (k, v) = cache.Append(layer, batch, k, v);
        }

        return Ops.Attention(q, k, v, spans, options);
    }
}
