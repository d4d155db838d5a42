using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Copies blocks of a matrix into the order in which <see cref="GemmTile"/> reads them, expanded to 32 bits.</summary>
internal static unsafe class GemmPack
{
    /// <summary>Added to the length of copied rows of A, so that the rows of a tile never fall into the same sets of the cache.</summary>
    public const int RowPadding = 16;

    /// <summary>
    /// Whether a tile's rows, read where they lie, would share the sets of the first-level cache: 12 rows at a distance of 4 KiB need more
    /// than the eight places that a set has on many processors.
    /// </summary>
    public static bool RowsCollide(in Matrix a) => a.Stride % 512 == 0;

    private const int CacheLine = 16; // singles

    /// <summary>How many stored rows ahead of the copy memory is asked for: rows lie too far apart for the processor to guess the next.</summary>
    private const int PrefetchRows = 8;

    /// <summary>
    /// Packs rows [k0, k0 + depth) and columns [column, column + columns) of B as panels of [depth][two vectors], each
    /// <paramref name="panelLength"/> numbers after the one before; missing columns of the last panel are zeros.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Panels<V>(in Matrix b, int k0, int depth, int column, int columns, float* panels, long panelLength)
        where V : unmanaged, ISimd<V>
    {
        int width = 2 * V.Count;
        int whole = columns - (columns % width);
        for (int c = 0; b.Transposed && c < columns; c += width, panels += panelLength)
        {
            TransposedPanel<V>(b, k0, depth, column + c, Math.Min(width, columns - c), panels);
        }

        if (b.Transposed)
        {
            return;
        }

        // Row by row over all panels: memory is read in long runs.
        for (int k = 0; k < depth; k++)
        {
            long index = b.Index(k0 + k, column);
            float* to = panels + ((long)k * width);
            for (int c = 0; c < whole; c += width, to += panelLength)
            {
                Prefetch(b, index + c + (PrefetchRows * b.Stride));
                Prefetch(b, index + c + (PrefetchRows * b.Stride) + V.Count);
                Load<V>(b, index + c).Store(to);
                Load<V>(b, index + c + V.Count).Store(to + V.Count);
            }

            if (whole < columns)
            {
                PackRagged(b, k0 + k, column + whole, columns - whole, to, width);
            }
        }
    }

    /// <summary>
    /// Packs <paramref name="rows"/> rows of A from <paramref name="row"/> on, depth [k0, k0 + depth), as tiles of
    /// <paramref name="tileRows"/> rows and <paramref name="tileStride"/> numbers: a transposed A as [depth][row], any other as [row][depth + padding].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tiles<V>(in Matrix a, int row, int rows, int k0, int depth, int tileRows, long tileStride, float* tiles)
        where V : unmanaged, ISimd<V>
    {
        if (!a.Transposed)
        {
            for (int r = 0; r < rows; r++)
            {
                float* to = tiles + (r / tileRows * tileStride) + ((long)(r % tileRows) * (depth + RowPadding));
                long index = a.Index(row + r, k0);
                for (int k = 0; k < depth; k += CacheLine)
                {
                    Prefetch(a, index + (tileRows * a.Stride) + k); // the same row of the next tile
                }

                CopyRow<V>(a, index, to, depth);
            }

            return;
        }

        // A tile's rows lie side by side in each stored row. Whole vectors are copied: what they bring of the next tile's rows is
        // overwritten by the next depth, and at the last one falls into the padding between tiles.
        bool wholeVectors = a.DType == DType.F32 && tileRows <= V.Count && tileStride >= ((long)tileRows * depth) + V.Count;
        for (int k = 0; k < depth; k++)
        {
            long index = a.Index(row, k0 + k);
            float* to = tiles + ((long)k * tileRows);
            for (int r = 0; r < rows; r += tileRows, to += tileStride)
            {
                GemmTile.Prefetch(a.Single + index + r + (PrefetchRows * a.Stride));
                if (wholeVectors && a.Rows - (row + r) >= V.Count)
                {
                    V.Load(a.Single + index + r).Store(to);
                }
                else
                {
                    PackRagged(a, row + r, k0 + k, Math.Min(tileRows, rows - r), to);
                }
            }
        }
    }

    /// <summary>Lanes stored one after the other from <paramref name="index"/> on, expanded to 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load<V>(in Matrix matrix, long index)
        where V : unmanaged, ISimd<V> => matrix.DType switch
        {
            DType.F32 => V.Load(matrix.Single + index),
            DType.BF16 => V.LoadBF16(matrix.Half + index),
            DType.NF4 => matrix.Nf4.Load<V>(index),
            _ => V.LoadF16(matrix.Half + index),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(in Matrix matrix, long index) =>
        GemmTile.Prefetch(matrix.DType == DType.F32 ? matrix.Single + index : matrix.DType == DType.NF4 ? matrix.Nf4.AddressOf(index) : (float*)(matrix.Half + index));

    // B is stored as [column][k]: square blocks of one vector's size are turned over in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposedPanel<V>(in Matrix b, int k0, int depth, int column, int columns, float* panel)
        where V : unmanaged, ISimd<V>
    {
        int lanes = V.Count;
        int width = 2 * lanes;
        float* expanded = stackalloc float[lanes * lanes]; // a block of fewer bits is widened here first
        for (int half = 0; half < width; half += lanes)
        {
            int present = Math.Clamp(columns - half, 0, lanes);
            int whole = present == lanes ? depth - (depth % lanes) : 0;
            for (int k = 0; k < whole; k += lanes)
            {
                for (int j = 0; j < lanes; j++)
                {
                    Prefetch(b, b.Index(k0 + k + (2 * lanes), column + half + j));
                }

                float* from = b.Single + b.Index(k0 + k, column + half);
                long stride = b.Stride;
                if (b.DType != DType.F32)
                {
                    Expand<V>(b, b.Index(k0 + k, column + half), expanded);
                    from = expanded;
                    stride = lanes;
                }

                V.Transpose(from, stride, panel + ((long)k * width) + half, width);
            }

            for (int k = whole; k < depth; k++)
            {
                PackRagged(b, k0 + k, column + half, present, panel + ((long)k * width) + half, lanes);
            }
        }
    }

    // A square block of numbers as 32-bit ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Expand<V>(in Matrix b, long index, float* to)
        where V : unmanaged, ISimd<V>
    {
        for (int j = 0; j < V.Count; j++, index += b.Stride, to += V.Count)
        {
            Load<V>(b, index).Store(to);
        }
    }

    // Part of a row of B, the rest of the panel zero.
    private static void PackRagged(in Matrix b, int row, int column, int columns, float* to, int width)
    {
        for (int j = 0; j < width; j++)
        {
            to[j] = j < columns ? b[row, column + j] : 0f;
        }
    }

    // Part of a column of A.
    private static void PackRagged(in Matrix a, int row, int column, int rows, float* to)
    {
        for (int r = 0; r < rows; r++)
        {
            to[r] = a[row + r, column];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyRow<V>(in Matrix a, long index, float* to, int count)
        where V : unmanaged, ISimd<V>
    {
        int k = 0;
        for (; k <= count - V.Count; k += V.Count)
        {
            Load<V>(a, index + k).Store(to + k);
        }

        for (; k < count; k++)
        {
            to[k] = a.At(index + k);
        }
    }
}
