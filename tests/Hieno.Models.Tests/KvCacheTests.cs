using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Models.Tests;

public class KvCacheTests
{
    private static readonly TextModel s_model = TextModel.Create(
        ModelConfig.From(
            JsonDocument.Parse("""
                { "model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, "vocab_size": 50, "initializer_range": 0.3 }
                """).RootElement.Clone(),
            "config.json"),
        HeadChoice.Language,
        seed: 1);

    private static float[] Read(KvCache? cache, int[] ids, int[] lengths, int[]? cacheRows = null)
    {
        using var tape = Tape.Begin(record: false);
        return s_model.Logits(new TokenBatch(ids, lengths) { Cache = cache, CacheRows = cacheRows }).ToArray();
    }

    [Fact]
    public void Rows_that_name_their_texts_continue_them_in_any_order_and_number()
    {
        var cache = new KvCache(layers: 2, rows: 3, capacity: 10, s_model.Backbone.KeyWidth);
        Read(cache, [1, 2, 3, 4, 5, 6], [1, 2, 3]);
        float[] actual = Read(cache, [7, 8, 9], [2, 1], [2, 0]);
        Assert.Equal([2, 2, 5], Enumerable.Range(0, 3).Select(cache.Length));

        float[] third = Read(null, [4, 5, 6, 7, 8], [5])[^100..]; // logits of the two new tokens
        float[] first = Read(null, [1, 9], [2])[^50..];
        Assert.All(third.Concat(first).Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(new[] { 0 })]
    [InlineData(new[] { 0, 0 })]
    [InlineData(new[] { 0, 3 })]
    [InlineData(new[] { -1, 0 })]
    public void Rows_that_do_not_fit_the_texts_are_refused(int[]? cacheRows)
    {
        var cache = new KvCache(layers: 2, rows: 3, capacity: 10, s_model.Backbone.KeyWidth);
        Assert.Throws<ArgumentException>(() => Read(cache, [1, 2], [1, 1], cacheRows));
    }

    [Fact]
    public void A_text_that_would_outgrow_the_cache_is_refused()
    {
        var cache = new KvCache(layers: 2, rows: 1, capacity: 3, s_model.Backbone.KeyWidth);
        Read(cache, [1, 2], [2]);
        Assert.Throws<ArgumentException>(() => Read(cache, [3, 4], [2]));
    }
}
