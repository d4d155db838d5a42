namespace Hieno.Tensors.Tests.Ops;

public sealed class AttentionSpansTests
{
    [Fact]
    public void Causal_spans_end_at_the_token_itself_and_stay_in_their_text()
    {
        AttentionSpans spans = AttentionSpans.Causal([3, 0, 2]);
        Assert.Equal([0, 0, 0, 3, 3], spans.Start);
        Assert.Equal([1, 2, 3, 4, 5], spans.End);
        Assert.Equal((5, 9L), (spans.KeyCount, spans.PairCount));
    }

    [Fact]
    public void A_causal_window_of_two_shows_the_token_and_the_one_before()
    {
        AttentionSpans spans = AttentionSpans.Causal([4, 2], window: 2);
        Assert.Equal([0, 0, 1, 2, 4, 4], spans.Start);
        Assert.Equal([1, 2, 3, 4, 5, 6], spans.End);
    }

    [Fact]
    public void A_bidirectional_window_reaches_equally_far_to_both_sides()
    {
        AttentionSpans spans = AttentionSpans.Bidirectional([4, 2], window: 1);
        Assert.Equal([0, 0, 1, 2, 4, 4], spans.Start);
        Assert.Equal([2, 3, 4, 4, 6, 6], spans.End);
        Assert.Equal([0, 0, 2, 2], AttentionSpans.Bidirectional([2, 2], window: int.MaxValue).Start);
    }

    [Fact]
    public void Cross_spans_show_all_keys_of_the_same_sequence()
    {
        AttentionSpans spans = AttentionSpans.Cross([2, 1, 1], [3, 0, 4]);
        Assert.Equal([0, 0, 3, 3], spans.Start);
        Assert.Equal([3, 3, 3, 7], spans.End);
    }

    [Fact]
    public void Invalid_spans_are_refused_with_their_numbers()
    {
        Assert.Contains("query 1 sees the keys from 5 up to 4", Assert.Throws<ArgumentException>(() => new AttentionSpans([0, 5], [1, 4])).Message, StringComparison.Ordinal);
        Assert.Contains("2 starts, but 1 ends", Assert.Throws<ArgumentException>(() => new AttentionSpans([0, 5], [1])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new AttentionSpans([-1], [1]));
        Assert.Throws<ArgumentException>(() => AttentionSpans.Cross([1, 2], [3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionSpans.Causal([3, -1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionSpans.Cross([3], [-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionSpans.Causal([3], window: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionSpans.Bidirectional([3], window: -1));
    }

    [Fact]
    public void Changing_the_arrays_afterwards_changes_nothing()
    {
        int[] start = [0, 0];
        var spans = new AttentionSpans(start, [1, 2]);
        start[1] = 9;
        Assert.Equal(0, spans.Start[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Tiles_runs_and_groups_cover_every_query_once_and_groups_share_no_key(int seed)
    {
        var rng = new Rng((ulong)seed, RngStream.Split);
        for (ulong round = 0; round < 50; round++)
        {
            int queries = rng.Below(400, round, 0);
            int[] start = new int[queries];
            int[] end = new int[queries];
            for (int i = 0; i < queries; i++)
            {
                // Intervals that wander upwards with jumps, now and then empty or out of order.
                int drift = seed == 4 ? 0 : i / (1 + rng.Below(20, round, 1));
                start[i] = (drift * 3) + rng.Below(seed * 4, round, (ulong)(10 + (i * 3)));
                end[i] = start[i] + rng.Below(seed * 8, round, (ulong)(11 + (i * 3)));
            }

            Verify(new AttentionSpans(start, end));
        }
    }

    [Fact]
    public void Texts_never_share_a_tile_and_long_texts_never_share_a_group()
    {
        AttentionSpans spans = AttentionSpans.Causal([300, 20, 20, 300]);
        Verify(spans);
        Assert.Equal([32, 32, 32, 32, 32, 32, 32, 32, 32, 12, 20, 20], spans.Tiles.Take(12).Select(tile => tile.Queries));
        Assert.Equal([300, 40, 300], spans.Groups.Select(group => group.Queries));
    }

    private static void Verify(AttentionSpans spans)
    {
        int next = 0;
        foreach (AttentionTile tile in spans.Tiles)
        {
            Assert.Equal(next, tile.Query);
            Assert.InRange(tile.Queries, 1, AttentionSpans.TileQueries);
            for (int query = next; query < next + tile.Queries; query++)
            {
                (int start, int end) = (spans.Start[query], spans.End[query]);
                if (end > start)
                {
                    Assert.True(tile.KeyStart <= start && end <= tile.KeyEnd);
                }

                Assert.True(tile.FullEnd == tile.FullStart || (start <= tile.FullStart && tile.FullEnd <= end));
            }

            next += tile.Queries;
        }

        Assert.Equal(spans.QueryCount, next);
        VerifyRuns(spans, spans.Runs);
        VerifyRuns(spans, spans.Groups);
        int lastKey = 0;
        foreach (AttentionRun group in spans.Groups.Where(group => !group.IsEmpty))
        {
            Assert.True(group.KeyStart >= lastKey);
            lastKey = group.KeyEnd;
        }
    }

    private static void VerifyRuns(AttentionSpans spans, AttentionRun[] runs)
    {
        int next = 0;
        foreach (AttentionRun run in runs)
        {
            Assert.Equal(next, run.FirstTile);
            AttentionTile[] tiles = spans.Tiles[run.FirstTile..run.EndTile];
            Assert.NotEmpty(tiles);
            Assert.Equal(run.Queries, tiles.Sum(tile => tile.Queries));
            Assert.All(tiles, tile => Assert.True(tile.IsEmpty || (run.KeyStart <= tile.KeyStart && tile.KeyEnd <= run.KeyEnd)));
            next = run.EndTile;
        }

        Assert.Equal(spans.Tiles.Length, next);
    }

    [Fact]
    public void Pairs_are_counted_query_by_query() =>
        Assert.Equal([0, 1, 3, 6, 7], AttentionSpans.Causal([3, 2]).PairStart.ToArray());
}
