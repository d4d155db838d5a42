namespace Hieno.Tensors;

/// <summary>
/// Which keys each query sees: always one interval of key rows. A batch is a flat list of tokens without padding, so causal and
/// bidirectional attention, sliding windows, packed documents and decoding with a cache of keys differ in their intervals only.
/// </summary>
/// <remarks>Make it once per batch and pass it to every layer: the division of work found here is then shared by all of them.</remarks>
public sealed class AttentionSpans
{
    /// <summary>Queries that kernels take together; one vector lane each.</summary>
    internal const int TileQueries = 32;

    /// <summary>Queries of a tile whose common keys are known apart, to skip what none of them sees.</summary>
    internal const int BlockQueries = 8;

    /// <summary>Such blocks in a tile.</summary>
    internal const int BlocksPerTile = TileQueries / BlockQueries;

    private const int RunWork = 4096; // keys met by the tiles of one forward task, summed: a few dozen microseconds of work for each head
    private const int GroupQueries = 256; // small independent groups are merged up to this many queries
    private const int NearKeys = 64; // unused key rows between two groups that may be read along for nothing

    private readonly int[] _start;
    private readonly int[] _end;
    private readonly int[] _pairStart;

    /// <summary>Takes explicit intervals.</summary>
    /// <param name="start">First visible key row of each query.</param>
    /// <param name="end">One past the last visible key row of each query; equal to the start where a query sees nothing.</param>
    /// <exception cref="ArgumentException">The arrays differ in length, or an interval is negative or ends before it starts.</exception>
    public AttentionSpans(int[] start, int[] end)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(end);
        if (start.Length != end.Length)
        {
            throw new ArgumentException($"AttentionSpans: {start.Length} starts, but {end.Length} ends. Give one of each for every query.");
        }

        _pairStart = new int[start.Length];
        for (int i = 0; i < start.Length; i++)
        {
            if (start[i] < 0 || end[i] < start[i])
            {
                throw new ArgumentException(
                    $"AttentionSpans: query {i} sees the keys from {start[i]} up to {end[i]}. "
                    + "A span starts at 0 or later and does not end before it starts.");
            }

            KeyCount = Math.Max(KeyCount, end[i]);
            _pairStart[i] = (int)Math.Min(PairCount, int.MaxValue); // of use only where all pairs fit into a tensor's columns
            PairCount += end[i] - start[i];
        }

        (_start, _end) = ((int[])start.Clone(), (int[])end.Clone());
        Tiles = MakeTiles();
        Blocks = MakeBlocks();
        Runs = MakeRuns();
        Groups = MakeGroups();
    }

    /// <summary>First visible key row of each query.</summary>
    public ReadOnlySpan<int> Start => _start;

    /// <summary>One past the last visible key row of each query.</summary>
    public ReadOnlySpan<int> End => _end;

    /// <summary>Number of queries.</summary>
    public int QueryCount => _start.Length;

    /// <summary>One past the last key row that any query sees: attention needs at least as many keys.</summary>
    public int KeyCount { get; }

    /// <summary>Number of (query, key) pairs that see each other: what attention costs is proportional to it.</summary>
    public long PairCount { get; }

    /// <summary>For each query the number of pairs of the queries before it: where its own begin in a list of all pairs, keys rising.</summary>
    public ReadOnlySpan<int> PairStart => _pairStart;

    /// <summary>Up to <see cref="TileQueries"/> consecutive queries with overlapping intervals; queries of separate documents never share one.</summary>
    internal AttentionTile[] Tiles { get; }

    /// <summary>For each block of <see cref="BlockQueries"/> lanes of each tile: all keys that any of its queries sees.</summary>
    internal (int Start, int End)[] Blocks { get; }

    /// <summary>Consecutive tiles that make one task of the forward pass.</summary>
    internal AttentionRun[] Runs { get; }

    /// <summary>Consecutive tiles whose keys no other group sees: one task of the backward pass owns all their gradients.</summary>
    internal AttentionRun[] Groups { get; }

    /// <summary>Sequences laid end to end; each token sees itself and the tokens before it in its own sequence.</summary>
    /// <param name="lengths">Tokens of each sequence.</param>
    /// <param name="window">Where given, token i sees key j only if i − window &lt; j ≤ i.</param>
    /// <exception cref="ArgumentOutOfRangeException">A length is negative or the window is not positive.</exception>
    public static AttentionSpans Causal(ReadOnlySpan<int> lengths, int? window = null)
    {
        int reach = CheckWindow(window, least: 1);
        return FromLengths(lengths, (i, first, _) => (Math.Max(first, i - reach + 1), i + 1));
    }

    /// <summary>Sequences laid end to end; each token sees all tokens of its own sequence.</summary>
    /// <param name="lengths">Tokens of each sequence.</param>
    /// <param name="window">Where given, token i sees key j only if |i − j| ≤ window.</param>
    /// <exception cref="ArgumentOutOfRangeException">A length or the window is negative.</exception>
    public static AttentionSpans Bidirectional(ReadOnlySpan<int> lengths, int? window = null)
    {
        int reach = CheckWindow(window, least: 0);
        return FromLengths(lengths, (i, first, end) => (Math.Max(first, i - reach), Math.Min(end, i + reach + 1)));
    }

    /// <summary>Attention from one list of sequences to another: each query of sequence s sees all keys of sequence s.</summary>
    /// <param name="queryLengths">Queries of each sequence.</param>
    /// <param name="keyLengths">Keys of each sequence, e.g. of the encoder's output.</param>
    /// <exception cref="ArgumentException">The two lists differ in length.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A length is negative.</exception>
    public static AttentionSpans Cross(ReadOnlySpan<int> queryLengths, ReadOnlySpan<int> keyLengths)
    {
        if (queryLengths.Length != keyLengths.Length)
        {
            throw new ArgumentException(
                $"AttentionSpans: {queryLengths.Length} sequences of queries, but {keyLengths.Length} of keys. Give one of each for every sequence.");
        }

        int[] start = new int[Total(queryLengths)];
        int[] end = new int[start.Length];
        (int query, int key) = (0, 0);
        Total(keyLengths);
        for (int s = 0; s < queryLengths.Length; s++)
        {
            start.AsSpan(query, queryLengths[s]).Fill(key);
            key += keyLengths[s];
            end.AsSpan(query, queryLengths[s]).Fill(key);
            query += queryLengths[s];
        }

        return new AttentionSpans(start, end);
    }

    /// <summary>The intervals of some queries alone, e.g. of the tokens whose vectors are read at all.</summary>
    /// <param name="queries">Numbers of queries.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no query of that number.</exception>
    public AttentionSpans Of(int[] queries)
    {
        ArgumentNullException.ThrowIfNull(queries);
        int wrong = Array.FindIndex(queries, query => (uint)query >= (uint)QueryCount);
        if (wrong >= 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(queries), queries[wrong], $"AttentionSpans: query {queries[wrong]} was asked for at position {wrong}, but there are {QueryCount}.");
        }

        return new AttentionSpans(Array.ConvertAll(queries, query => _start[query]), Array.ConvertAll(queries, query => _end[query]));
    }

    private static AttentionSpans FromLengths(ReadOnlySpan<int> lengths, Func<int, int, int, (int Start, int End)> span)
    {
        int[] start = new int[Total(lengths)];
        int[] end = new int[start.Length];
        int first = 0;
        foreach (int length in lengths)
        {
            for (int i = first; i < first + length; i++)
            {
                (start[i], end[i]) = span(i, first, first + length);
            }

            first += length;
        }

        return new AttentionSpans(start, end);
    }

    private static int Total(ReadOnlySpan<int> lengths)
    {
        int total = 0;
        foreach (int length in lengths)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(length, nameof(lengths));
            total = checked(total + length);
        }

        return total;
    }

    // No window is one so wide that it never bites; half the range of int, so that i ± window cannot overflow.
    private static int CheckWindow(int? window, int least)
    {
        int reach = window ?? int.MaxValue / 2;
        ArgumentOutOfRangeException.ThrowIfLessThan(reach, least, nameof(window));
        return Math.Min(reach, int.MaxValue / 2);
    }

    private AttentionTile[] MakeTiles()
    {
        var tiles = new List<AttentionTile>();
        for (int query = 0; query < QueryCount; query += tiles[^1].Queries)
        {
            tiles.Add(MakeTile(tiles.Count, query));
        }

        return [.. tiles];
    }

    private AttentionTile MakeTile(int index, int first)
    {
        (int keyStart, int keyEnd) = (int.MaxValue, 0);
        (int fullStart, int fullEnd) = (0, int.MaxValue);
        int query = first;
        for (; query < QueryCount && query < first + TileQueries; query++)
        {
            (int start, int end) = (_start[query], _end[query]);
            bool seesSomething = end > start;
            bool overlaps = keyEnd == 0 || (start < keyEnd && end > keyStart);
            if (seesSomething && !overlaps)
            {
                break;
            }

            (keyStart, keyEnd) = seesSomething ? (Math.Min(keyStart, start), Math.Max(keyEnd, end)) : (keyStart, keyEnd);
            (fullStart, fullEnd) = (Math.Max(fullStart, start), Math.Min(fullEnd, end));
            fullEnd = seesSomething ? fullEnd : 0;
        }

        keyStart = Math.Min(keyStart, keyEnd); // nobody in the tile sees anything: 0 to 0
        return new AttentionTile(index, first, query - first, keyStart, keyEnd, fullStart, Math.Max(fullStart, fullEnd));
    }

    private (int Start, int End)[] MakeBlocks()
    {
        var blocks = new (int Start, int End)[Tiles.Length * BlocksPerTile];
        foreach (AttentionTile tile in Tiles)
        {
            for (int query = tile.Query; query < tile.Query + tile.Queries; query++)
            {
                if (_end[query] > _start[query])
                {
                    ref (int Start, int End) block = ref blocks[(tile.Index * BlocksPerTile) + ((query - tile.Query) / BlockQueries)];
                    bool isFirst = block.End == 0;
                    block = (isFirst ? _start[query] : Math.Min(block.Start, _start[query]), Math.Max(block.End, _end[query]));
                }
            }
        }

        return blocks;
    }

    private AttentionRun[] MakeRuns()
    {
        var runs = new List<AttentionRun>();
        int work = 0;
        for (int t = 0; t < Tiles.Length; t++)
        {
            var next = AttentionRun.Of(t, Tiles[t]);
            if (runs.Count > 0 && work < RunWork && runs[^1].IsNear(next, NearKeys))
            {
                runs[^1] = runs[^1].With(next);
            }
            else
            {
                runs.Add(next);
                work = 0;
            }

            work += Tiles[t].KeyEnd - Tiles[t].KeyStart;
        }

        return [.. runs];
    }

    // Between two tiles the work can be cut when every key seen so far comes before every key still to be seen.
    private AttentionRun[] MakeGroups()
    {
        int[] firstKeyFrom = new int[Tiles.Length + 1];
        firstKeyFrom[^1] = int.MaxValue;
        for (int t = Tiles.Length - 1; t >= 0; t--)
        {
            firstKeyFrom[t] = Tiles[t].IsEmpty ? firstKeyFrom[t + 1] : Math.Min(firstKeyFrom[t + 1], Tiles[t].KeyStart);
        }

        var smallest = new List<AttentionRun>();
        int lastKey = 0;
        for (int t = 0; t < Tiles.Length; t++)
        {
            if (t > 0 && lastKey > firstKeyFrom[t])
            {
                smallest[^1] = smallest[^1].With(AttentionRun.Of(t, Tiles[t]));
            }
            else
            {
                smallest.Add(AttentionRun.Of(t, Tiles[t]));
            }

            lastKey = Math.Max(lastKey, Tiles[t].KeyEnd);
        }

        var groups = new List<AttentionRun>();
        foreach (AttentionRun group in smallest)
        {
            if (groups.Count > 0 && groups[^1].Queries + group.Queries <= GroupQueries && groups[^1].IsNear(group, NearKeys))
            {
                groups[^1] = groups[^1].With(group);
            }
            else
            {
                groups.Add(group);
            }
        }

        return [.. groups];
    }
}

/// <summary>Some consecutive queries and the interval of all keys that any of them sees.</summary>
/// <param name="Index">Its number among all tiles.</param>
/// <param name="Query">The first query.</param>
/// <param name="Queries">Number of queries.</param>
/// <param name="KeyStart">First key that any of them sees.</param>
/// <param name="KeyEnd">One past the last key that any of them sees.</param>
/// <param name="FullStart">First key that all of them see.</param>
/// <param name="FullEnd">One past the last key that all of them see; not below <paramref name="FullStart"/>.</param>
internal readonly record struct AttentionTile(int Index, int Query, int Queries, int KeyStart, int KeyEnd, int FullStart, int FullEnd)
{
    public bool IsEmpty => KeyEnd == KeyStart;
}

/// <summary>Some consecutive tiles and the interval of all keys that they meet.</summary>
/// <param name="FirstTile">The first tile.</param>
/// <param name="EndTile">One past the last tile.</param>
/// <param name="Queries">Queries of all its tiles.</param>
/// <param name="KeyStart">First key that any of them sees.</param>
/// <param name="KeyEnd">One past the last key that any of them sees.</param>
internal readonly record struct AttentionRun(int FirstTile, int EndTile, int Queries, int KeyStart, int KeyEnd)
{
    public bool IsEmpty => KeyEnd == KeyStart;

    public static AttentionRun Of(int index, AttentionTile tile) => new(index, index + 1, tile.Queries, tile.KeyStart, tile.KeyEnd);

    /// <summary>True when joining the two would cover at most <paramref name="gap"/> key rows that neither needs.</summary>
    public bool IsNear(AttentionRun next, int gap) =>
        IsEmpty || next.IsEmpty || (next.KeyStart - KeyEnd <= gap && KeyStart - next.KeyEnd <= gap);

    /// <summary>This run and the one that follows it.</summary>
    public AttentionRun With(AttentionRun next)
    {
        AttentionRun keys = IsEmpty ? next : this;
        return new AttentionRun(
            FirstTile,
            next.EndTile,
            Queries + next.Queries,
            next.IsEmpty ? keys.KeyStart : Math.Min(keys.KeyStart, next.KeyStart),
            next.IsEmpty ? keys.KeyEnd : Math.Max(keys.KeyEnd, next.KeyEnd));
    }
}
