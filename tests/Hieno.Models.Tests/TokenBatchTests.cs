using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class TokenBatchTests
{
    [Fact]
    public void Rows_are_found_by_their_lengths()
    {
        TokenBatch batch = TinyModels.Batch(3, 1, 2);
        Assert.Equal(3, batch.Rows);
        Assert.Equal([0, 3, 4], batch.FirstTokens());
        Assert.Equal([2, 3, 5], batch.LastTokens());
        Assert.Equal([0, 1, 2, 0, 0, 1], batch.Positions);
        Assert.Equal(3, batch.Reach);
    }

    [Theory]
    [InlineData(6, new[] { 3, 2 })]
    [InlineData(3, new[] { 3, 0 })]
    [InlineData(2, new[] { 3, -1 })]
    public void Lengths_that_do_not_cover_the_tokens_are_refused(int tokens, int[] lengths)
    {
        Assert.Throws<ArgumentException>(() => new TokenBatch(new int[tokens], lengths));
    }

    [Fact]
    public void Spans_end_at_the_rows_borders()
    {
        TokenBatch batch = TinyModels.Batch(3, 2);
        Assert.Equal([0, 0, 0, 3, 3], batch.CausalSpans().Start.ToArray());
        Assert.Equal([1, 2, 3, 4, 5], batch.CausalSpans().End.ToArray());
        Assert.Equal([0, 0, 1, 3, 3], batch.CausalSpans(window: 2).Start.ToArray());
        Assert.Equal([0, 0, 0, 3, 3], batch.BidirectionalSpans().Start.ToArray());
        Assert.Equal([3, 3, 3, 5, 5], batch.BidirectionalSpans().End.ToArray());
        Assert.Same(batch.CausalSpans(window: 2), batch.CausalSpans(window: 2));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    [InlineData("mistral")]
    public void Rows_do_not_see_each_other(string family)
    {
        TextModel model = TinyModels.Create(family);
        float[] together = TinyModels.Logits(model, TinyModels.Batch(5, 3, 7));
        float[] alone = TinyModels.Logits(model, new TokenBatch(TinyModels.Ids(15)[5..8], [3]));
        Assert.All(alone.Zip(together[(5 * 31)..]), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Fact]
    public void A_window_to_either_side_ends_at_the_row()
    {
        var batch = new TokenBatch([1, 2, 3, 4, 5, 6, 7], [5, 2]);
        AttentionSpans spans = batch.BidirectionalSpans(1);
        Assert.Equal([0, 0, 1, 2, 3, 5, 5], spans.Start.ToArray());
        Assert.Equal([2, 3, 4, 5, 5, 7, 7], spans.End.ToArray());
        Assert.Same(spans, batch.BidirectionalSpans(1));
        Assert.NotSame(spans, batch.BidirectionalSpans());
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], batch.KeysOf(null));
    }

    [Fact]
    public void Keys_of_a_prefix_lie_before_each_row_and_count_as_tokens_in_a_window()
    {
        TokenBatch batch = new TokenBatch([1, 2, 3, 4, 5], [3, 2]).WithVirtualTokens(prompt: 0, prefix: 2, layers: null); // keys: p p 1 2 3, p p 4 5
        Assert.Equal([2, 3, 4, 7, 8], batch.KeysOf(null));
        Assert.Equal([3, 8], batch.KeysOf([1, 4]));
        AttentionSpans whole = batch.BidirectionalSpans();
        Assert.Equal([0, 0, 0, 5, 5], whole.Start.ToArray());
        Assert.Equal([5, 5, 5, 9, 9], whole.End.ToArray());
        AttentionSpans near = batch.BidirectionalSpans(1);
        Assert.Equal([1, 2, 3, 6, 7], near.Start.ToArray());
        Assert.Equal([4, 5, 5, 9, 9], near.End.ToArray());
    }
}
