using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// The steps on tiles that both passes of attention share. Scores lie transposed, a row for each key and a vector lane for each query of
/// the tile, so that maxima and sums over keys need no work across lanes, and keys and values are read as they are stored.
/// </summary>
internal static unsafe class AttentionTiles
{
    /// <summary>Queries of a tile: the length of a row of scores.</summary>
    public const int Queries = AttentionSpans.TileQueries;

    /// <summary>Keys met between two updates of the softmax; with <see cref="Queries"/> scores each they fill a third of a 48 KiB cache.</summary>
    public const int KeyBlock = 128;

    private const int RowsAhead = 8; // how far copies prefetch

    /// <summary>Columns of a head rounded up to whole vectors.</summary>
    public static int PaddedWidth<V>(int width)
        where V : unmanaged, ISimd<V> => (width + V.Count - 1) / V.Count * V.Count;

    /// <summary>The least multiple of the product's row block that is not below <paramref name="rows"/>.</summary>
    public static int RoundUpToBlock(int rows) => (rows + AttentionProducts.RowBlock - 1) / AttentionProducts.RowBlock * AttentionProducts.RowBlock;

    /// <summary>Asks for the cache lines of one head's rows, so that they are near when they are copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prefetch(float* rows, long stride, int count, int width)
    {
        const int Line = 64 / sizeof(float);
        for (int row = 0; row < count; row++, rows += stride)
        {
            for (int c = 0; c < width; c += Line)
            {
                GemmTile.Prefetch(rows + c);
            }
        }
    }

    /// <summary>
    /// Copies one head's rows · scale to rows of whole vectors, zeros behind the head's columns and in the rows up to
    /// <paramref name="padTo"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyRows<V>(float* source, long stride, int rows, int width, float scale, float* destination, int padTo)
        where V : unmanaged, ISimd<V>
    {
        int padded = PaddedWidth<V>(width);
        int whole = width - (width % V.Count);
        V scales = V.All(scale);
        for (int row = 0; row < rows; row++)
        {
            float* from = source + (row * stride);
            float* to = destination + ((long)row * padded);
            for (int c = 0; c < whole; c += V.Count)
            {
                GemmTile.Prefetch(from + (RowsAhead * stride) + c);
                (V.Load(from + c) * scales).Store(to + c);
            }

            if (whole < padded)
            {
                V.Zero.Store(to + whole);
                for (int c = whole; c < width; c++)
                {
                    to[c] = from[c] * scale;
                }
            }
        }

        new Span<float>(destination + ((long)rows * padded), (padTo - rows) * padded).Clear();
    }

    /// <summary>Writes rows of whole vectors back to one head's columns: destination (+)= source · scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteRows<V>(float* source, int rows, int width, float scale, float* destination, long stride, bool add)
        where V : unmanaged, ISimd<V>
    {
        int padded = PaddedWidth<V>(width);
        int whole = width - (width % V.Count);
        V scales = V.All(scale);
        for (int row = 0; row < rows; row++)
        {
            float* from = source + ((long)row * padded);
            float* to = destination + (row * stride);
            for (int c = 0; c < whole; c += V.Count)
            {
                GemmTile.Prefetch(to + (RowsAhead * stride) + c);
                V value = V.Load(from + c) * scales;
                (add ? V.Load(to + c) + value : value).Store(to + c);
            }

            for (int c = whole; c < width; c++)
            {
                to[c] = (from[c] * scale) + (add ? to[c] : 0f);
            }
        }
    }

    /// <summary>Turns a tile's rows of whole vectors over: destination[d][query] = source[query][d].</summary>
    /// <param name="source">Rows as <see cref="CopyRows"/> leaves them, <see cref="Queries"/> of them.</param>
    /// <param name="padded">Length of a row of the source, and number of rows written.</param>
    /// <param name="destination">Rows of <see cref="Queries"/> numbers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose<V>(float* source, int padded, float* destination)
        where V : unmanaged, ISimd<V>
    {
        for (int query = 0; query < Queries; query += V.Count)
        {
            for (int d = 0; d < padded; d += V.Count)
            {
                V.Transpose(source + (query * padded) + d, padded, destination + (d * Queries) + query, Queries);
            }
        }
    }

    /// <summary>Fills the limits between which each lane sees keys, counted from the tile's first key.</summary>
    public static void FillLimits(AttentionSpans spans, in AttentionTile tile, float* starts, float* ends)
    {
        for (int lane = 0; lane < Queries; lane++)
        {
            // A lane without a query may see everything: its numbers are zeros and nothing reads its result.
            bool present = lane < tile.Queries;
            starts[lane] = present ? spans.Start[tile.Query + lane] - tile.KeyStart : 0;
            ends[lane] = present ? spans.End[tile.Query + lane] - tile.KeyStart : float.MaxValue;
        }
    }

    /// <summary>Sets scores to −∞ where a lane does not see the key of the row. <paramref name="firstKey"/> counts from the tile's first key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mask<V>(float* scores, int rows, int firstKey, in AttentionTile tile, float* starts, float* ends)
        where V : unmanaged, ISimd<V>
    {
        int fullStart = tile.FullStart - tile.KeyStart;
        int fullEnd = tile.FullEnd - tile.KeyStart;
        V never = V.All(float.NegativeInfinity);
        for (int row = 0; row < rows; row++)
        {
            int key = firstKey + row;
            if (key >= fullStart && key < fullEnd)
            {
                continue; // every lane sees it
            }

            V keys = V.All(key);
            for (int lane = 0; lane < Queries; lane += V.Count)
            {
                float* at = scores + (row * Queries) + lane;
                V seen = V.SelectLess(keys, V.Load(ends + lane), V.Load(at), never);
                V.SelectLess(keys, V.Load(starts + lane), never, seen).Store(at);
            }
        }
    }

    /// <summary>The rows of a block of keys that at least one of the eight queries from <paramref name="lane"/> on sees.</summary>
    public static (int From, int To) KeysOfBlock(AttentionSpans spans, in AttentionTile tile, int lane, int first, int rows)
    {
        (int start, int end) = spans.Blocks[(tile.Index * AttentionSpans.BlocksPerTile) + (lane / AttentionSpans.BlockQueries)];
        return (Math.Max(start - tile.KeyStart - first, 0), Math.Min(end - tile.KeyStart - first, rows));
    }

    /// <summary>
    /// Cuts a block of keys into pieces: as many rows at once as all lanes see, and at the edges of the spans eight rows at a time, there
    /// with only the lanes that see some of them. <paramref name="row"/> is where the piece begins, a multiple of 8.
    /// </summary>
    public static (int Rows, int FromLane, int ToLane) NextPiece(AttentionSpans spans, in AttentionTile tile, int first, int row, int rows)
    {
        int key = tile.KeyStart + first + row;
        int full = Math.Min(tile.FullEnd - key, rows - row);
        if (key >= tile.FullStart && full >= AttentionProducts.RowBlock)
        {
            return (full - (full % AttentionProducts.RowBlock), 0, Queries);
        }

        int count = Math.Min(AttentionProducts.RowBlock, rows - row);
        (int from, int to) = (Queries, 0);
        for (int block = 0; block < AttentionSpans.BlocksPerTile; block++)
        {
            (int start, int end) = spans.Blocks[(tile.Index * AttentionSpans.BlocksPerTile) + block];
            if (start < key + count && end > key)
            {
                from = Math.Min(from, block * AttentionSpans.BlockQueries);
                to = (block + 1) * AttentionSpans.BlockQueries;
            }
        }

        return (count, Math.Min(from, to), to);
    }

    /// <summary>
    /// scores[key][query] = k·q where the two may see each other. What is left out, <see cref="Mask"/> sets to −∞.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores<V>(
        AttentionSpans spans, in AttentionTile tile, int first, int rows, float* k, int padded, int width, float* q, float* scores)
        where V : unmanaged, ISimd<V>
    {
        for (int row = 0; row < rows;)
        {
            (int count, int from, int to) = NextPiece(spans, tile, first, row, rows);
            int column = from - (from % V.Count);
            int columns = (to - column + V.Count - 1) / V.Count * V.Count;
            AttentionProducts.Multiply<V>(
                count,
                columns,
                width,
                k + ((long)row * padded),
                padded,
                1,
                q + column,
                Queries,
                scores + (row * Queries) + column,
                Queries,
                add: false);
            row += count;
        }
    }

    /// <summary>sums[key] += Σ over queries of weights[key][query] · rows[query]: the gradient of keys or values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddToKeys<V>(
        AttentionSpans spans, in AttentionTile tile, int first, int rows, float* weights, float* queryRows, int padded, float* sums)
        where V : unmanaged, ISimd<V>
    {
        for (int row = 0; row < rows;)
        {
            (int count, int from, int to) = NextPiece(spans, tile, first, row, rows);
            AttentionProducts.Multiply<V>(
                count,
                padded,
                to - from,
                weights + (row * Queries) + from,
                Queries,
                1,
                queryRows + (from * padded),
                padded,
                sums + ((long)row * padded),
                padded,
                add: true);
            row += count;
        }
    }

    /// <summary>score += the number of its pair, where there are any. <paramref name="firstKey"/> counts from the tile's first key.</summary>
    public static void AddPairs(AttentionSpans spans, in AttentionTile tile, int firstKey, int rows, float* pairs, float* scores)
    {
        for (int lane = 0; pairs != null && lane < tile.Queries; lane++)
        {
            (int from, int to, nint firstPair) = PairsOf(spans, tile, lane, firstKey, rows);
            for (int row = from; row < to; row++)
            {
                scores[(row * Queries) + lane] += pairs[firstPair + row];
            }
        }
    }

    /// <summary>The number of each pair (+)= its score, where they are wanted; a pair is met once.</summary>
    public static void WritePairs(AttentionSpans spans, in AttentionTile tile, int firstKey, int rows, float* scores, float* pairs, bool add)
    {
        for (int lane = 0; pairs != null && lane < tile.Queries; lane++)
        {
            (int from, int to, nint firstPair) = PairsOf(spans, tile, lane, firstKey, rows);
            for (int row = from; row < to; row++)
            {
                pairs[firstPair + row] = scores[(row * Queries) + lane] + (add ? pairs[firstPair + row] : 0f);
            }
        }
    }

    // The rows of a block of keys that a lane's query sees, and the number of the pair that row 0 would have.
    private static (int From, int To, nint FirstPair) PairsOf(AttentionSpans spans, in AttentionTile tile, int lane, int firstKey, int rows)
    {
        int query = tile.Query + lane;
        int first = tile.KeyStart + firstKey; // the key of row 0
        int from = Math.Max(spans.Start[query] - first, 0);
        return (from, Math.Max(from, Math.Min(spans.End[query] - first, rows)), (nint)spans.PairStart[query] + first - spans.Start[query]);
    }

    /// <summary>score += slope · (key − the last key that its query sees), where the slope is not 0. <paramref name="firstKey"/> counts from the tile's first key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<V>(float* scores, int rows, int firstKey, float* ends, float slope)
        where V : unmanaged, ISimd<V>
    {
        V slopes = V.All(slope);
        for (int row = 0; slope != 0f && row < rows; row++)
        {
            V key = V.All(firstKey + row + 1);
            for (int lane = 0; lane < Queries; lane += V.Count)
            {
                float* at = scores + (row * Queries) + lane;
                V.Fma(key - V.Load(ends + lane), slopes, V.Load(at)).Store(at);
            }
        }
    }

    /// <summary>score ← cap · tanh(score / cap).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Cap<V>(float* scores, int count, float cap)
        where V : unmanaged, ISimd<V>
    {
        V limit = V.All(cap);
        V inverse = V.All(1f / cap);
        int i = 0;
        for (; i <= count - V.Count; i += V.Count)
        {
            (SimdMath.Tanh(V.Load(scores + i) * inverse) * limit).Store(scores + i);
        }

        for (; i < count; i++)
        {
            scores[i] = cap * MathF.Tanh(scores[i] / cap);
        }
    }
}
