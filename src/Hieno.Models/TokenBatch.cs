using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>
/// Rows of tokens laid end to end, without padding: N tokens in all. Which tokens see each other follows from the rows' lengths, so a
/// batch of short rows costs no more than its tokens, and packing needs nothing of its own.
/// </summary>
public sealed class TokenBatch
{
    private readonly Dictionary<int, AttentionSpans> _causal = [];
    private AttentionSpans? _bidirectional;
    private int[]? _positions;

    /// <summary>A batch of rows.</summary>
    /// <param name="ids">Token ids of all rows, one after the other, [N].</param>
    /// <param name="lengths">Tokens in each row; they add up to N.</param>
    /// <exception cref="ArgumentException">The lengths do not add up to N, or a row is empty.</exception>
    public TokenBatch(int[] ids, int[] lengths)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(lengths);
        if (lengths.Sum() != ids.Length || Array.Exists(lengths, n => n <= 0))
        {
            throw new ArgumentException($"{lengths.Length} rows of together {lengths.Sum()} tokens do not cut {ids.Length} tokens into rows of at least one.", nameof(lengths));
        }

        (Ids, Lengths) = (ids, lengths);
    }

    /// <summary>Token ids, [N].</summary>
    public int[] Ids { get; }

    /// <summary>Tokens in each row.</summary>
    public int[] Lengths { get; }

    /// <summary>Number of rows.</summary>
    public int Rows => Lengths.Length;

    /// <summary>Segment (token type) ids, [N]; null means all 0.</summary>
    public int[]? TokenTypes { get; init; }

    /// <summary>Keys and values of earlier tokens of the same rows, or null.</summary>
    public KvCache? Cache { get; init; }

    /// <summary>Which text of the cache each row continues, each at most once; null means row r continues text r of as many.</summary>
    public int[]? CacheRows { get; init; }

    /// <summary>The place of each token in its row, [N]: from 0, or from what the cache already holds.</summary>
    public int[] Positions => _positions ??= CountPositions();

    /// <summary>Tokens of the longest row, those that the cache already holds included.</summary>
    public int Reach => Positions.Max() + 1;

    /// <summary>The index of each row's first token.</summary>
    public int[] FirstTokens()
    {
        int[] first = new int[Rows];
        for (int row = 1; row < Rows; row++)
        {
            first[row] = first[row - 1] + Lengths[row - 1];
        }

        return first;
    }

    /// <summary>The index of each row's last token.</summary>
    public int[] LastTokens()
    {
        int[] last = FirstTokens();
        for (int row = 0; row < Rows; row++)
        {
            last[row] += Lengths[row] - 1;
        }

        return last;
    }

    /// <summary>Each token sees itself and those before it in its row, at most <paramref name="window"/> of them when given.</summary>
    public AttentionSpans CausalSpans(int? window = null)
    {
        if (!_causal.TryGetValue(window ?? 0, out AttentionSpans? spans))
        {
            spans = Cache is { } cache ? cache.Spans(this, window) : AttentionSpans.Causal(Lengths, window);
            _causal[window ?? 0] = spans;
        }

        return spans;
    }

    /// <summary>Each token sees all tokens of its row.</summary>
    public AttentionSpans BidirectionalSpans() => _bidirectional ??= AttentionSpans.Bidirectional(Lengths);

    /// <summary>The text of the cache that row <paramref name="row"/> continues.</summary>
    internal int CacheRow(int row) => CacheRows is null ? row : CacheRows[row];

    private int[] CountPositions()
    {
        Cache?.ThrowUnlessFit(this);
        int[] positions = new int[Ids.Length];
        int token = 0;
        for (int row = 0; row < Rows; row++)
        {
            int past = Cache?.Length(CacheRow(row)) ?? 0;
            for (int i = 0; i < Lengths[row]; i++)
            {
                positions[token++] = past + i;
            }
        }

        return positions;
    }
}
