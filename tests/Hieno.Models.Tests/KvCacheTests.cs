using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class KvCacheTests
{
    private static readonly int[] s_lengths = [7, 4, 11];

    [Theory]
    [InlineData("gpt2", new[] { 7, 4, 11 })]
    [InlineData("gpt2", new[] { 5, 2, 9 }, new[] { 1, 1, 1 }, new[] { 1, 1, 1 })]
    [InlineData("llama", new[] { 5, 2, 9 }, new[] { 1, 1, 1 }, new[] { 1, 1, 1 })]
    [InlineData("llama", new[] { 1, 1, 2 }, new[] { 4, 1, 3 }, new[] { 2, 2, 6 })]
    [InlineData("mistral", new[] { 5, 2, 9 }, new[] { 1, 1, 1 }, new[] { 1, 1, 1 })] // sees three tokens back
    [InlineData("mistral", new[] { 1, 1, 1 }, new[] { 5, 1, 1 }, new[] { 1, 2, 9 })]
    [InlineData("qwen2", new[] { 5, 2, 9 }, new[] { 1, 1, 1 }, new[] { 1, 1, 1 })]
    public void Decoding_with_a_cache_gives_the_logits_of_the_whole_rows(string family, params int[][] pieces)
    {
        TextModel model = TinyModels.Create(family);
        float[] whole = TinyModels.Logits(model, TinyModels.Batch(s_lengths));
        var cache = new KvCache(model.Backbone.Blocks.Count, 3, capacity: 12, model.Backbone.KeyWidth);
        int[] done = new int[3];
        foreach (int[] lengths in pieces)
        {
            int[] tokens = [.. Enumerable.Range(0, 3).SelectMany(row => Enumerable.Range(Start(row) + done[row], lengths[row]))];
            int[] ids = TinyModels.Ids(s_lengths.Sum());
            float[] piece = TinyModels.Logits(model, new TokenBatch([.. tokens.Select(t => ids[t])], lengths) { Cache = cache });
            for (int i = 0; i < tokens.Length; i++)
            {
                Assert.All(
                    whole.AsSpan(tokens[i] * 31, 31).ToArray().Zip(piece.AsSpan(i * 31, 31).ToArray()),
                    pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
            }

            for (int row = 0; row < 3; row++)
            {
                done[row] += lengths[row];
                Assert.Equal(done[row], cache.Length(row));
            }
        }

        Assert.Equal(s_lengths, done);
    }

    [Fact]
    public void Cleared_cache_starts_anew()
    {
        TextModel model = TinyModels.Create("llama");
        var cache = new KvCache(2, 1, 8, model.Backbone.KeyWidth);
        float[] first = TinyModels.Logits(model, new TokenBatch([3, 1, 4], [3]) { Cache = cache });
        cache.Clear();
        Assert.Equal(0, cache.Length(0));
        Assert.Equal(first, TinyModels.Logits(model, new TokenBatch([3, 1, 4], [3]) { Cache = cache }));
    }

    [Fact]
    public void Text_beyond_the_capacity_is_refused_by_its_number()
    {
        TextModel model = TinyModels.Create("llama");
        var cache = new KvCache(2, 2, 4, model.Backbone.KeyWidth);
        TinyModels.Logits(model, new TokenBatch([3, 1, 4, 1, 5], [2, 3]) { Cache = cache });
        var error = Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, new TokenBatch([3, 1, 4], [1, 2]) { Cache = cache }));
        Assert.Contains("Text 1 would grow to 5 tokens; the cache was made for 4", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, cache.Length(1));
    }

    [Fact]
    public void Memory_grows_with_the_longest_text_up_to_the_capacity()
    {
        TextModel model = TinyModels.Create("llama");
        var cache = new KvCache(model.Backbone.Blocks.Count, 2, capacity: 128 << 10, model.Backbone.KeyWidth);
        Assert.Equal((0, 0L), (cache.Reserved, cache.Bytes));
        TinyModels.Logits(model, new TokenBatch([3, 1, 4], [1, 2]) { Cache = cache });
        Assert.Equal(256, cache.Reserved);
        Assert.Equal(2L * model.Backbone.Blocks.Count * 2 * 256 * model.Backbone.KeyWidth * sizeof(float), cache.Bytes);

        var small = new KvCache(model.Backbone.Blocks.Count, 1, capacity: 12, model.Backbone.KeyWidth);
        TinyModels.Logits(model, new TokenBatch([3, 1, 4], [3]) { Cache = small });
        Assert.Equal(12, small.Reserved);
    }

    [Theory]
    [InlineData(128 << 10)]
    [InlineData(700)]
    public void Texts_keep_their_tokens_when_the_memory_grows(int capacity)
    {
        const int Layers = 3, Width = 8;
        var cache = new KvCache(Layers, 2, capacity, Width);
        List<float>[] expected = [[], []]; // of layer 0's keys; the other layers and the values hold the same numbers plus a constant
        int next = 0;
        foreach (int count in (int[])[1, 250, 9, 200, 240])
        {
            int[] lengths = [count, Math.Min(count, 3)];
            float[] numbers = [.. Enumerable.Range(next, lengths.Sum() * Width)];
            next += numbers.Length;
            expected[0].AddRange(numbers[..(count * Width)]);
            expected[1].AddRange(numbers[(count * Width)..]);

            var batch = new TokenBatch(new int[lengths.Sum()], lengths) { Cache = cache };
            AttentionSpans spans = batch.CausalSpans();
            for (int layer = 0; layer < Layers; layer++)
            {
                (Tensor keys, Tensor values) = cache.Append(layer, batch, Plus(numbers, layer), Plus(numbers, layer + 0.5f));
                for (int text = 0; text < 2; text++)
                {
                    int last = text == 0 ? count - 1 : lengths.Sum() - 1;
                    (int start, int length) = (spans.Start[last], spans.End[last] - spans.Start[last]);
                    Assert.Equal(expected[text].Select(x => x + layer), keys.RowRange(start, length).ToArray());
                    Assert.Equal(expected[text].Select(x => x + layer + 0.5f), values.RowRange(start, length).ToArray());
                }
            }

            cache.Advance(batch);
        }

        Assert.Equal(700, cache.Length(0));
        Assert.Equal(Math.Min(capacity, 768), cache.Reserved); // 256, 512, 768 tokens

        static Tensor Plus(float[] numbers, float constant) =>
            Tensor.FromValues([numbers.Length / Width, Width], Array.ConvertAll(numbers, x => x + constant));
    }

    [Fact]
    public void Batch_with_another_number_of_rows_is_refused()
    {
        TextModel model = TinyModels.Create("gpt2");
        var cache = new KvCache(2, 2, 4, model.Backbone.KeyWidth);
        Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, new TokenBatch([3, 1, 4], [3]) { Cache = cache }));
    }

    [Fact]
    public void Rows_that_name_their_texts_continue_them_in_any_order_and_number()
    {
        TextModel model = TinyModels.Create("llama");
        var cache = new KvCache(2, 3, 10, model.Backbone.KeyWidth);
        TinyModels.Logits(model, new TokenBatch([1, 2, 3, 4, 5, 6], [1, 2, 3]) { Cache = cache });
        float[] actual = TinyModels.Logits(model, new TokenBatch([7, 8, 9], [2, 1]) { Cache = cache, CacheRows = [2, 0] });
        Assert.Equal([2, 2, 5], Enumerable.Range(0, 3).Select(cache.Length));

        float[] third = TinyModels.Logits(model, new TokenBatch([4, 5, 6, 7, 8], [5]))[^(2 * 31)..]; // of the two new tokens
        float[] first = TinyModels.Logits(model, new TokenBatch([1, 9], [2]))[^31..];
        Assert.All(third.Concat(first).Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(new[] { 0 })]
    [InlineData(new[] { 0, 0 })]
    [InlineData(new[] { 0, 3 })]
    [InlineData(new[] { -1, 0 })]
    public void Rows_that_do_not_fit_the_texts_are_refused(int[]? cacheRows)
    {
        TextModel model = TinyModels.Create("llama");
        var cache = new KvCache(2, 3, 10, model.Backbone.KeyWidth);
        Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, new TokenBatch([1, 2], [1, 1]) { Cache = cache, CacheRows = cacheRows }));
    }

    [Fact]
    public void Model_whose_tokens_see_the_whole_row_refuses_a_cache()
    {
        TextModel model = TinyModels.Create("bert");
        var cache = new KvCache(2, 1, 10, model.Backbone.KeyWidth);
        Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, new TokenBatch([1, 2], [2]) { Cache = cache }));
    }

    [Fact]
    public void Text_beyond_the_models_positions_is_refused()
    {
        TextModel model = TinyModels.Create("gpt2");
        var cache = new KvCache(2, 1, 40, model.Backbone.KeyWidth);
        TinyModels.Logits(model, new TokenBatch(TinyModels.Ids(24), [24]) { Cache = cache });
        var error = Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, new TokenBatch([1], [1]) { Cache = cache }));
        Assert.Contains("25 tokens", error.Message, StringComparison.Ordinal);
    }

    private static int Start(int row) => s_lengths[..row].Sum();
}
