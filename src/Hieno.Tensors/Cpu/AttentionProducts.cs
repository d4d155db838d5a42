using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// The one matrix product that all of attention is made of, for tiles that fit the caches: C (+)= A · B, where the columns of B and C lie
/// along vector lanes and A is read one number at a time through two strides, so that it may be stored either way round.
/// </summary>
internal static unsafe class AttentionProducts
{
    /// <summary>Rows of C are computed in blocks of this many.</summary>
    public const int RowBlock = 8;

    /// <summary>C (+)= A · B.</summary>
    /// <param name="rows">Rows of A and C, rounded up to a multiple of <see cref="RowBlock"/>: memory must reach that far.</param>
    /// <param name="columns">Columns of B and C, a multiple of the lanes.</param>
    /// <param name="depth">Columns of A, rows of B.</param>
    /// <param name="a">A: element (r, d) at r · rowStep + d · step.</param>
    /// <param name="rowStep">From one row of A to the next.</param>
    /// <param name="step">From one column of A to the next.</param>
    /// <param name="b">B, row-major.</param>
    /// <param name="bStride">From one row of B to the next.</param>
    /// <param name="c">C, row-major.</param>
    /// <param name="cStride">From one row of C to the next.</param>
    /// <param name="add">True to add to C, false to overwrite it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<V>(
        int rows, int columns, nint depth, float* a, nint rowStep, nint step, float* b, nint bStride, float* c, nint cStride, bool add)
        where V : unmanaged, ISimd<V>
    {
        int column = 0;
        for (; column <= columns - (2 * V.Count); column += 2 * V.Count)
        {
            for (int row = 0; row < rows; row += RowBlock)
            {
                float* to = c + (row * cStride) + column;
                if (V.Count == 16)
                {
                    Block8x2<V>(depth, a + (row * rowStep), rowStep, step, b + column, bStride, to, cStride, add);
                }
                else
                {
                    // Processors without 512-bit vectors have 16 registers: 8 sums, two vectors of B and one of A fit.
                    Block4x2<V>(depth, a + (row * rowStep), rowStep, step, b + column, bStride, to, cStride, add);
                    Block4x2<V>(depth, a + ((row + 4) * rowStep), rowStep, step, b + column, bStride, to + (4 * cStride), cStride, add);
                }
            }
        }

        for (; column < columns; column += V.Count)
        {
            for (int row = 0; row < rows; row += RowBlock)
            {
                Block8x1<V>(depth, a + (row * rowStep), rowStep, step, b + column, bStride, c + (row * cStride) + column, cStride, add);
            }
        }
    }

    /// <summary>Σ a[i]·b[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<V>(float* a, float* b, int count)
        where V : unmanaged, ISimd<V>
    {
        V products = V.Zero;
        int i = 0;
        for (; i <= count - V.Count; i += V.Count)
        {
            products = V.Fma(V.Load(a + i), V.Load(b + i), products);
        }

        float sum = V.Sum(products);
        for (; i < count; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    // 8 rows by 2 vectors: 16 running sums stay in registers, so that two multiply-adds a cycle of four cycles' latency never wait.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block8x2<V>(nint depth, float* a, nint rowStep, nint step, float* b, nint bStride, float* c, nint cStride, bool add)
        where V : unmanaged, ISimd<V>
    {
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero, c30 = V.Zero, c31 = V.Zero;
        V c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero, c60 = V.Zero, c61 = V.Zero, c70 = V.Zero, c71 = V.Zero;
        nint two = 2 * rowStep;
        nint three = 3 * rowStep;
        float* a4 = a + (4 * rowStep);
        for (; depth > 0; depth--)
        {
            V b0 = V.Load(b);
            V b1 = V.Load(b + V.Count);
            V x = V.All(*a);
            c00 = V.Fma(x, b0, c00);
            c01 = V.Fma(x, b1, c01);
            x = V.All(a[rowStep]);
            c10 = V.Fma(x, b0, c10);
            c11 = V.Fma(x, b1, c11);
            x = V.All(a[two]);
            c20 = V.Fma(x, b0, c20);
            c21 = V.Fma(x, b1, c21);
            x = V.All(a[three]);
            c30 = V.Fma(x, b0, c30);
            c31 = V.Fma(x, b1, c31);
            x = V.All(*a4);
            c40 = V.Fma(x, b0, c40);
            c41 = V.Fma(x, b1, c41);
            x = V.All(a4[rowStep]);
            c50 = V.Fma(x, b0, c50);
            c51 = V.Fma(x, b1, c51);
            x = V.All(a4[two]);
            c60 = V.Fma(x, b0, c60);
            c61 = V.Fma(x, b1, c61);
            x = V.All(a4[three]);
            c70 = V.Fma(x, b0, c70);
            c71 = V.Fma(x, b1, c71);
            a += step;
            a4 += step;
            b += bStride;
        }

        Put(c00, c01, c, add);
        Put(c10, c11, c + cStride, add);
        Put(c20, c21, c + (2 * cStride), add);
        Put(c30, c31, c + (3 * cStride), add);
        c += 4 * cStride;
        Put(c40, c41, c, add);
        Put(c50, c51, c + cStride, add);
        Put(c60, c61, c + (2 * cStride), add);
        Put(c70, c71, c + (3 * cStride), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block4x2<V>(nint depth, float* a, nint rowStep, nint step, float* b, nint bStride, float* c, nint cStride, bool add)
        where V : unmanaged, ISimd<V>
    {
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero, c30 = V.Zero, c31 = V.Zero;
        nint two = 2 * rowStep;
        nint three = 3 * rowStep;
        for (; depth > 0; depth--)
        {
            V b0 = V.Load(b);
            V b1 = V.Load(b + V.Count);
            V x = V.All(*a);
            c00 = V.Fma(x, b0, c00);
            c01 = V.Fma(x, b1, c01);
            x = V.All(a[rowStep]);
            c10 = V.Fma(x, b0, c10);
            c11 = V.Fma(x, b1, c11);
            x = V.All(a[two]);
            c20 = V.Fma(x, b0, c20);
            c21 = V.Fma(x, b1, c21);
            x = V.All(a[three]);
            c30 = V.Fma(x, b0, c30);
            c31 = V.Fma(x, b1, c31);
            a += step;
            b += bStride;
        }

        Put(c00, c01, c, add);
        Put(c10, c11, c + cStride, add);
        Put(c20, c21, c + (2 * cStride), add);
        Put(c30, c31, c + (3 * cStride), add);
    }

    // The last vector of an odd number of them, e.g. heads 80 wide in 16 lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block8x1<V>(nint depth, float* a, nint rowStep, nint step, float* b, nint bStride, float* c, nint cStride, bool add)
        where V : unmanaged, ISimd<V>
    {
        V c0 = V.Zero, c1 = V.Zero, c2 = V.Zero, c3 = V.Zero, c4 = V.Zero, c5 = V.Zero, c6 = V.Zero, c7 = V.Zero;
        nint two = 2 * rowStep;
        nint three = 3 * rowStep;
        float* a4 = a + (4 * rowStep);
        for (; depth > 0; depth--)
        {
            V b0 = V.Load(b);
            c0 = V.Fma(V.All(*a), b0, c0);
            c1 = V.Fma(V.All(a[rowStep]), b0, c1);
            c2 = V.Fma(V.All(a[two]), b0, c2);
            c3 = V.Fma(V.All(a[three]), b0, c3);
            c4 = V.Fma(V.All(*a4), b0, c4);
            c5 = V.Fma(V.All(a4[rowStep]), b0, c5);
            c6 = V.Fma(V.All(a4[two]), b0, c6);
            c7 = V.Fma(V.All(a4[three]), b0, c7);
            a += step;
            a4 += step;
            b += bStride;
        }

        Put(c0, c, add);
        Put(c1, c + cStride, add);
        Put(c2, c + (2 * cStride), add);
        Put(c3, c + (3 * cStride), add);
        c += 4 * cStride;
        Put(c4, c, add);
        Put(c5, c + cStride, add);
        Put(c6, c + (2 * cStride), add);
        Put(c7, c + (3 * cStride), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<V>(V low, V high, float* c, bool add)
        where V : unmanaged, ISimd<V>
    {
        Put(low, c, add);
        Put(high, c + V.Count, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<V>(V sum, float* c, bool add)
        where V : unmanaged, ISimd<V> => (add ? V.Load(c) + sum : sum).Store(c);
}
