using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// The innermost loops of matrix multiplication: a tile of C, some rows by two vectors, stays in registers while the depth k runs.
/// Each step loads two vectors of B and multiplies them with one broadcast number of each row of A.
/// </summary>
/// <remarks>
/// A is read at a[row · rowStep + k · depthStep]: directly from a row-major matrix (rowStep = its stride, depthStep = 1) or from a packed
/// panel. B is a packed panel: the two vectors of step k lie at b[k · 2 · lanes]. The tile is stored row by row, two vectors a row.
/// Whatever the number of rows and lanes, each element is the same chain of fused multiply-adds over k: results are equal bit by bit.
/// Three rows of addresses that will be needed next are prefetched on the way, beginning at <c>next</c>.
/// </remarks>
internal static unsafe class GemmTile
{
    /// <summary>Rows of the tile that fills the registers: 24 sums in AVX-512's 32 registers, 12 in the 16 of all others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Rows(int lanes) => lanes == 16 ? 12 : 6;

    /// <summary>A tile of any number of rows up to <see cref="Rows"/>; <paramref name="columns"/> of the panel's columns are wanted.</summary>
    public static void Run<V>(
        int rows, int columns, int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        bool narrow = columns <= V.Count;
        if (rows == 12 && !narrow)
        {
            Rows12<V>(depth, a, rowStep, depthStep, b, tile, add, next);
        }
        else if (rows == 12)
        {
            Rows12Narrow<V>(depth, a, rowStep, depthStep, b, tile, add, next);
        }
        else if (rows == 6 && !narrow)
        {
            Rows6<V>(depth, a, rowStep, depthStep, b, tile, add, next);
        }
        else if (rows == 6)
        {
            Rows6Narrow<V>(depth, a, rowStep, depthStep, b, tile, add, next);
        }
        else
        {
            Ragged<V>(rows, depth, a, rowStep, depthStep, b, tile, add, next);
        }
    }

    // Fewer rows than a full tile: by sixes, fours and ones; eight, a usual rank and batch size, as two times four.
    private static void Ragged<V>(int rows, int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        while (rows > 0)
        {
            int done = rows >= 6 && rows != 8 ? 6 : rows >= 4 ? 4 : 1;
            switch (done)
            {
                case 6:
                    Rows6<V>(depth, a, rowStep, depthStep, b, tile, add, next);
                    break;
                case 4:
                    Rows4<V>(depth, a, rowStep, depthStep, b, tile, add, next);
                    break;
                default:
                    Row1<V>(depth, a, depthStep, b, tile, add);
                    break;
            }

            a += done * rowStep;
            tile += done * 2 * V.Count;
            rows -= done;
        }
    }

    /// <summary>Twelve rows by two vectors: 24 sums in AVX-512's 32 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows12<V>(int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        V c0l = V.Zero, c0r = V.Zero;
        V c1l = V.Zero, c1r = V.Zero;
        V c2l = V.Zero, c2r = V.Zero;
        V c3l = V.Zero, c3r = V.Zero;
        V c4l = V.Zero, c4r = V.Zero;
        V c5l = V.Zero, c5r = V.Zero;
        V c6l = V.Zero, c6r = V.Zero;
        V c7l = V.Zero, c7r = V.Zero;
        V c8l = V.Zero, c8r = V.Zero;
        V c9l = V.Zero, c9r = V.Zero;
        V c10l = V.Zero, c10r = V.Zero;
        V c11l = V.Zero, c11r = V.Zero;
        nint twoRows = 2 * rowStep;
        float* a0 = a;
        float* a3 = a0 + rowStep + twoRows;
        float* a6 = a3 + rowStep + twoRows;
        float* a9 = a6 + rowStep + twoRows;
        for (; depth > 0; depth--)
        {
            Prefetch(next);
            Prefetch(next + rowStep);
            Prefetch(next + twoRows);
            V left = V.Load(b);
            V right = V.Load(b + V.Count);
            V x = V.All(*a0);
            c0l = V.Fma(x, left, c0l);
            c0r = V.Fma(x, right, c0r);
            x = V.All(a0[rowStep]);
            c1l = V.Fma(x, left, c1l);
            c1r = V.Fma(x, right, c1r);
            x = V.All(a0[twoRows]);
            c2l = V.Fma(x, left, c2l);
            c2r = V.Fma(x, right, c2r);
            x = V.All(*a3);
            c3l = V.Fma(x, left, c3l);
            c3r = V.Fma(x, right, c3r);
            x = V.All(a3[rowStep]);
            c4l = V.Fma(x, left, c4l);
            c4r = V.Fma(x, right, c4r);
            x = V.All(a3[twoRows]);
            c5l = V.Fma(x, left, c5l);
            c5r = V.Fma(x, right, c5r);
            x = V.All(*a6);
            c6l = V.Fma(x, left, c6l);
            c6r = V.Fma(x, right, c6r);
            x = V.All(a6[rowStep]);
            c7l = V.Fma(x, left, c7l);
            c7r = V.Fma(x, right, c7r);
            x = V.All(a6[twoRows]);
            c8l = V.Fma(x, left, c8l);
            c8r = V.Fma(x, right, c8r);
            x = V.All(*a9);
            c9l = V.Fma(x, left, c9l);
            c9r = V.Fma(x, right, c9r);
            x = V.All(a9[rowStep]);
            c10l = V.Fma(x, left, c10l);
            c10r = V.Fma(x, right, c10r);
            x = V.All(a9[twoRows]);
            c11l = V.Fma(x, left, c11l);
            c11r = V.Fma(x, right, c11r);
            next += depthStep;
            a0 += depthStep;
            a3 += depthStep;
            a6 += depthStep;
            a9 += depthStep;
            b += 2 * V.Count;
        }

        Put(tile + (0 * V.Count), c0l, c0r, add);
        Put(tile + (2 * V.Count), c1l, c1r, add);
        Put(tile + (4 * V.Count), c2l, c2r, add);
        Put(tile + (6 * V.Count), c3l, c3r, add);
        Put(tile + (8 * V.Count), c4l, c4r, add);
        Put(tile + (10 * V.Count), c5l, c5r, add);
        Put(tile + (12 * V.Count), c6l, c6r, add);
        Put(tile + (14 * V.Count), c7l, c7r, add);
        Put(tile + (16 * V.Count), c8l, c8r, add);
        Put(tile + (18 * V.Count), c9l, c9r, add);
        Put(tile + (20 * V.Count), c10l, c10r, add);
        Put(tile + (22 * V.Count), c11l, c11r, add);
    }

    /// <summary>Twelve rows by one vector, for a last panel that fills no more; the panel's second vector is skipped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows12Narrow<V>(int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        V c0 = V.Zero;
        V c1 = V.Zero;
        V c2 = V.Zero;
        V c3 = V.Zero;
        V c4 = V.Zero;
        V c5 = V.Zero;
        V c6 = V.Zero;
        V c7 = V.Zero;
        V c8 = V.Zero;
        V c9 = V.Zero;
        V c10 = V.Zero;
        V c11 = V.Zero;
        nint twoRows = 2 * rowStep;
        float* a0 = a;
        float* a3 = a0 + rowStep + twoRows;
        float* a6 = a3 + rowStep + twoRows;
        float* a9 = a6 + rowStep + twoRows;
        for (; depth > 0; depth--)
        {
            Prefetch(next);
            Prefetch(next + rowStep);
            Prefetch(next + twoRows);
            V column = V.Load(b);
            c0 = V.Fma(V.All(*a0), column, c0);
            c1 = V.Fma(V.All(a0[rowStep]), column, c1);
            c2 = V.Fma(V.All(a0[twoRows]), column, c2);
            c3 = V.Fma(V.All(*a3), column, c3);
            c4 = V.Fma(V.All(a3[rowStep]), column, c4);
            c5 = V.Fma(V.All(a3[twoRows]), column, c5);
            c6 = V.Fma(V.All(*a6), column, c6);
            c7 = V.Fma(V.All(a6[rowStep]), column, c7);
            c8 = V.Fma(V.All(a6[twoRows]), column, c8);
            c9 = V.Fma(V.All(*a9), column, c9);
            c10 = V.Fma(V.All(a9[rowStep]), column, c10);
            c11 = V.Fma(V.All(a9[twoRows]), column, c11);
            next += depthStep;
            a0 += depthStep;
            a3 += depthStep;
            a6 += depthStep;
            a9 += depthStep;
            b += 2 * V.Count;
        }

        Put(tile + (0 * V.Count), c0, add);
        Put(tile + (2 * V.Count), c1, add);
        Put(tile + (4 * V.Count), c2, add);
        Put(tile + (6 * V.Count), c3, add);
        Put(tile + (8 * V.Count), c4, add);
        Put(tile + (10 * V.Count), c5, add);
        Put(tile + (12 * V.Count), c6, add);
        Put(tile + (14 * V.Count), c7, add);
        Put(tile + (16 * V.Count), c8, add);
        Put(tile + (18 * V.Count), c9, add);
        Put(tile + (20 * V.Count), c10, add);
        Put(tile + (22 * V.Count), c11, add);
    }

    /// <summary>Six rows by two vectors: 12 sums, for 16 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows6<V>(int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        V c0l = V.Zero, c0r = V.Zero;
        V c1l = V.Zero, c1r = V.Zero;
        V c2l = V.Zero, c2r = V.Zero;
        V c3l = V.Zero, c3r = V.Zero;
        V c4l = V.Zero, c4r = V.Zero;
        V c5l = V.Zero, c5r = V.Zero;
        nint twoRows = 2 * rowStep;
        float* a0 = a;
        float* a3 = a0 + rowStep + twoRows;
        for (; depth > 0; depth--)
        {
            Prefetch(next);
            Prefetch(next + rowStep);
            Prefetch(next + twoRows);
            V left = V.Load(b);
            V right = V.Load(b + V.Count);
            V x = V.All(*a0);
            c0l = V.Fma(x, left, c0l);
            c0r = V.Fma(x, right, c0r);
            x = V.All(a0[rowStep]);
            c1l = V.Fma(x, left, c1l);
            c1r = V.Fma(x, right, c1r);
            x = V.All(a0[twoRows]);
            c2l = V.Fma(x, left, c2l);
            c2r = V.Fma(x, right, c2r);
            x = V.All(*a3);
            c3l = V.Fma(x, left, c3l);
            c3r = V.Fma(x, right, c3r);
            x = V.All(a3[rowStep]);
            c4l = V.Fma(x, left, c4l);
            c4r = V.Fma(x, right, c4r);
            x = V.All(a3[twoRows]);
            c5l = V.Fma(x, left, c5l);
            c5r = V.Fma(x, right, c5r);
            next += depthStep;
            a0 += depthStep;
            a3 += depthStep;
            b += 2 * V.Count;
        }

        Put(tile + (0 * V.Count), c0l, c0r, add);
        Put(tile + (2 * V.Count), c1l, c1r, add);
        Put(tile + (4 * V.Count), c2l, c2r, add);
        Put(tile + (6 * V.Count), c3l, c3r, add);
        Put(tile + (8 * V.Count), c4l, c4r, add);
        Put(tile + (10 * V.Count), c5l, c5r, add);
    }

    /// <summary>Six rows by one vector, for a last panel that fills no more; the panel's second vector is skipped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows6Narrow<V>(int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        V c0 = V.Zero;
        V c1 = V.Zero;
        V c2 = V.Zero;
        V c3 = V.Zero;
        V c4 = V.Zero;
        V c5 = V.Zero;
        nint twoRows = 2 * rowStep;
        float* a0 = a;
        float* a3 = a0 + rowStep + twoRows;
        for (; depth > 0; depth--)
        {
            Prefetch(next);
            Prefetch(next + rowStep);
            Prefetch(next + twoRows);
            V column = V.Load(b);
            c0 = V.Fma(V.All(*a0), column, c0);
            c1 = V.Fma(V.All(a0[rowStep]), column, c1);
            c2 = V.Fma(V.All(a0[twoRows]), column, c2);
            c3 = V.Fma(V.All(*a3), column, c3);
            c4 = V.Fma(V.All(a3[rowStep]), column, c4);
            c5 = V.Fma(V.All(a3[twoRows]), column, c5);
            next += depthStep;
            a0 += depthStep;
            a3 += depthStep;
            b += 2 * V.Count;
        }

        Put(tile + (0 * V.Count), c0, add);
        Put(tile + (2 * V.Count), c1, add);
        Put(tile + (4 * V.Count), c2, add);
        Put(tile + (6 * V.Count), c3, add);
        Put(tile + (8 * V.Count), c4, add);
        Put(tile + (10 * V.Count), c5, add);
    }

    /// <summary>Four rows by two vectors: what is left below the last full tile, and small batches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4<V>(int depth, float* a, nint rowStep, nint depthStep, float* b, float* tile, bool add, float* next)
        where V : unmanaged, ISimd<V>
    {
        V c0l = V.Zero, c0r = V.Zero;
        V c1l = V.Zero, c1r = V.Zero;
        V c2l = V.Zero, c2r = V.Zero;
        V c3l = V.Zero, c3r = V.Zero;
        nint twoRows = 2 * rowStep;
        float* a0 = a;
        float* a3 = a0 + rowStep + twoRows;
        for (; depth > 0; depth--)
        {
            Prefetch(next);
            Prefetch(next + rowStep);
            Prefetch(next + twoRows);
            V left = V.Load(b);
            V right = V.Load(b + V.Count);
            V x = V.All(*a0);
            c0l = V.Fma(x, left, c0l);
            c0r = V.Fma(x, right, c0r);
            x = V.All(a0[rowStep]);
            c1l = V.Fma(x, left, c1l);
            c1r = V.Fma(x, right, c1r);
            x = V.All(a0[twoRows]);
            c2l = V.Fma(x, left, c2l);
            c2r = V.Fma(x, right, c2r);
            x = V.All(*a3);
            c3l = V.Fma(x, left, c3l);
            c3r = V.Fma(x, right, c3r);
            next += depthStep;
            a0 += depthStep;
            a3 += depthStep;
            b += 2 * V.Count;
        }

        Put(tile + (0 * V.Count), c0l, c0r, add);
        Put(tile + (2 * V.Count), c1l, c1r, add);
        Put(tile + (4 * V.Count), c2l, c2r, add);
        Put(tile + (6 * V.Count), c3l, c3r, add);
    }

    /// <summary>One row by two vectors: what is left over, and generating text one token at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1<V>(int depth, float* a, nint depthStep, float* b, float* tile, bool add)
        where V : unmanaged, ISimd<V>
    {
        V left = V.Zero;
        V right = V.Zero;
        for (; depth > 0; depth--)
        {
            V x = V.All(*a);
            left = V.Fma(x, V.Load(b), left);
            right = V.Fma(x, V.Load(b + V.Count), right);
            a += depthStep;
            b += 2 * V.Count;
        }

        Put(tile, left, right, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<V>(float* row, V left, V right, bool add)
        where V : unmanaged, ISimd<V>
    {
        if (add)
        {
            left = V.Load(row) + left;
            right = V.Load(row + V.Count) + right;
        }

        left.Store(row);
        right.Store(row + V.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<V>(float* row, V sums, bool add)
        where V : unmanaged, ISimd<V> => (add ? V.Load(row) + sums : sums).Store(row);

    /// <summary>Asks for the cache line of <paramref name="address"/>, which need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(address); // into the second-level cache; never faults
        }
    }
}
