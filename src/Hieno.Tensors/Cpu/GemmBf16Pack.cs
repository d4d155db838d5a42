using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// Copies blocks of a matrix into the order in which a bf16 tile reads them, rounded on the way. Two neighbours in the depth become a pair
/// of 32 bits, the first in the upper half. AVX-512 only, like the tiles.
/// </summary>
/// <remarks>
/// Both operands are packed by the same code: a "line" is a row of A or a column of B, and the matrix is given so that its rows are lines.
/// A strip is 16 lines side by side, one a lane. Of A, only 12 of them are wanted: strips of A are 12 apart, and each pair's vector
/// overwrites the four surplus lanes of the one before.
/// </remarks>
internal static unsafe class GemmBf16Pack
{
    private const int Lanes = 16;
    private const int BlockPairs = 16;

    /// <summary>How many stored rows ahead of the copy memory is asked for.</summary>
    private const int PrefetchRows = 16;

    /// <summary>Added to the pairs of a tile or panel: the last block may be written beyond its end.</summary>
    public const int Padding = BlockPairs;

    // Of two vectors of singles, the upper halves; each lane gets its pair's first number above its second.
    private static Vector512<ushort> PairedHalves => Vector512.Create(
        3, 1, 7, 5, 11, 9, 15, 13, 19, 17, 23, 21, 27, 25, 31, 29, 35, 33, 39, 37, 43, 41, 47, 45, 51, 49, 55, 53, 59, 57, 63, (ushort)61);

    /// <summary>Packs tiles of A: lines [line, line + lines), depth [k0, k0 + 2 · pairs), as tiles of [pair][12], each <paramref name="tileLength"/> pairs after the one before.</summary>
    public static void Tiles(in Matrix a, int line, int lines, int k0, int pairs, uint* tiles, long tileLength) =>
        Strips(a, line, lines, k0, pairs, new Layout(LinesPerStrip: 12, StripsPerBlock: 1, tileLength), tiles);

    /// <summary>Packs panels of B: lines [line, line + lines), depth [k0, k0 + 2 · pairs), as panels of [pair][32], each <paramref name="panelLength"/> pairs after the one before.</summary>
    public static void Panels(in Matrix b, int line, int lines, int k0, int pairs, uint* panels, long panelLength) =>
        Strips(b, line, lines, k0, pairs, new Layout(LinesPerStrip: 16, StripsPerBlock: 2, panelLength), panels);

    /// <summary>Where strips go: so many side by side in a block, blocks <paramref name="BlockLength"/> pairs apart.</summary>
    private readonly record struct Layout(int LinesPerStrip, int StripsPerBlock, long BlockLength)
    {
        /// <summary>Pairs from one depth to the next.</summary>
        public int PairStride => LinesPerStrip * StripsPerBlock;

        /// <summary>Where strip <paramref name="strip"/> begins.</summary>
        public long Start(int strip) => ((strip >> (StripsPerBlock - 1)) * BlockLength) + ((strip & (StripsPerBlock - 1)) * LinesPerStrip); // one or two side by side
    }

    private static void Strips(in Matrix matrix, int line, int lines, int k0, int pairs, Layout layout, uint* to)
    {
        if (matrix.Transposed)
        {
            FromColumns(matrix, line, lines, k0, pairs, layout, to);
        }
        else
        {
            FromRows(matrix, line, lines, k0, pairs, layout, to);
        }
    }

    // Neighbours in the depth are neighbours in memory: 32 numbers of each of 16 lines become 16 pairs, which are turned over.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRows(in Matrix matrix, int line, int lines, int k0, int pairs, Layout layout, uint* to)
    {
        uint* block = stackalloc uint[Lanes * BlockPairs];
        bool single = matrix.DType == DType.F32;
        for (int first = 0, strip = 0; first < lines; first += layout.LinesPerStrip, strip++)
        {
            int present = Math.Min(layout.LinesPerStrip, lines - first);
            new Span<uint>(block, Lanes * BlockPairs).Clear(); // lines that are missing
            for (int pair = 0; pair < pairs; pair += BlockPairs)
            {
                int k = k0 + (2 * pair);
                int left = matrix.Columns - k;
                long index = matrix.Index(line + first, k);
                for (int i = 0; i < present; i++, index += matrix.Stride)
                {
                    Vector512<ushort> low, high;
                    if (single && left >= 2 * Lanes)
                    {
                        float* from = matrix.Single + index;
                        GemmTile.Prefetch(from + (4 * Lanes)); // two blocks ahead
                        GemmTile.Prefetch(from + (5 * Lanes));
                        low = Round(Vector512.Load(from)).AsUInt16();
                        high = Round(Vector512.Load(from + Lanes)).AsUInt16();
                    }
                    else
                    {
                        low = Rounded(matrix, index, left).AsUInt16();
                        high = Rounded(matrix, index + Lanes, left - Lanes).AsUInt16();
                    }

                    Avx512BW.PermuteVar32x16x2(low, PairedHalves, high).AsUInt32().Store(block + (i * BlockPairs));
                }

                Simd512.Transpose((float*)block, BlockPairs, (float*)(to + layout.Start(strip) + ((long)pair * layout.PairStride)), layout.PairStride);
            }
        }
    }

    // Neighbouring lines are neighbours in memory: two rows of the memory, one above the other, are 16 pairs at once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromColumns(in Matrix matrix, int line, int lines, int k0, int pairs, Layout layout, uint* to)
    {
        long stride = matrix.Stride;
        int linesLeft = matrix.Rows - line;
        for (int pair = 0; pair < pairs; pair++, to += layout.PairStride)
        {
            int k = k0 + (2 * pair);
            bool hasSecond = k + 1 < matrix.Columns;
            long index = matrix.Index(line, k);
            int first = 0;
            int strip = 0;
            int whole = matrix.DType == DType.F32 && hasSecond ? Math.Min(lines, linesLeft - Lanes + 1) : 0;
            for (float* from = matrix.Single + index; first < whole; first += layout.LinesPerStrip, strip++, from += layout.LinesPerStrip)
            {
                GemmTile.Prefetch(from + (PrefetchRows * stride));
                GemmTile.Prefetch(from + ((PrefetchRows + 1) * stride));
                Paired(Round(Vector512.Load(from)), Round(Vector512.Load(from + stride))).Store(to + layout.Start(strip));
            }

            for (; first < lines; first += layout.LinesPerStrip, strip++)
            {
                Vector512<uint> above = Rounded(matrix, index + first, linesLeft - first);
                Vector512<uint> below = hasSecond ? Rounded(matrix, index + first + stride, linesLeft - first) : Vector512<uint>.Zero;
                Paired(above, below).Store(to + layout.Start(strip));
            }
        }
    }

    /// <summary>The upper half of each lane of <paramref name="above"/>, with that of <paramref name="below"/> as its lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Paired(Vector512<uint> above, Vector512<uint> below) =>
        (above & Vector512.Create(0xFFFF0000u)) | Vector512.ShiftRightLogical(below, 16);

    /// <summary>16 numbers stored one after the other, those from the <paramref name="left"/>th on taken as 0; the upper half of each lane is its bf16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Rounded(in Matrix matrix, long index, int left) =>
        left < Lanes ? RoundedPart(matrix, index, left)
        : matrix.DType == DType.F32 ? Round(Vector512.Load(matrix.Single + index))
        : matrix.DType == DType.BF16 ? Round(Simd512.LoadBF16(matrix.Half + index).Value)
        : matrix.DType == DType.NF4 ? Round(matrix.Nf4.Load<Simd512>(index).Value)
        : Round(Simd512.LoadF16(matrix.Half + index).Value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<uint> RoundedPart(in Matrix matrix, long index, int left)
    {
        float* part = stackalloc float[Lanes];
        for (int i = 0; i < Lanes; i++)
        {
            part[i] = i < left ? matrix.At(index + i) : 0f;
        }

        return Round(Vector512.Load(part));
    }

    // As DTypes.ToBF16: to the nearest, ties to even; NaN stays NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Round(Vector512<float> x)
    {
        Vector512<uint> bits = x.AsUInt32();
        Vector512<uint> odd = Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One;
        Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + odd;
        return Vector512.ConditionalSelect(Vector512.Equals(x, x).AsUInt32(), rounded, bits | Vector512.Create(0x400000u));
    }
}
