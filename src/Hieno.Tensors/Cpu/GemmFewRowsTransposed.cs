using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Few rows times a transposed B of 32-bit numbers, as in the vocabulary's head: squares of B are turned over in registers.</summary>
/// <remarks>
/// With 512-bit vectors only: a square of sixteen by sixteen takes sixteen registers, half of what there are, and the numbers meet the
/// rows of A without a detour through memory. Each element is the same chain of fused multiply-adds as in the other kernels.
/// </remarks>
public sealed unsafe partial class CpuBackend
{
    private const int Edge = 16; // of a square: lanes of a vector

    /// <summary>C (+)= A · B for the columns that fill whole vectors.</summary>
    /// <returns>How many columns these are; 0 where this kernel is not for the operands.</returns>
    private int MultiplyTransposedSquares(Matrix a, Matrix b, FewRowsTarget target)
    {
        if (Width != SimdWidth.Bits512 || !b.Transposed || b.DType != DType.F32)
        {
            return 0;
        }

        int squares = b.Columns / Edge;
        int grain = Math.Clamp(squares / (2 * Threads), 1, FewRowsColumns / Edge);
        For(squares, grain, new TransposedSquaresKernel(this, a, b, target));
        return squares * Edge;
    }

    /// <summary>Item i computes sixteen columns of C from as many stored rows of B.</summary>
    private readonly struct TransposedSquaresKernel(CpuBackend backend, Matrix a, Matrix b, FewRowsTarget target) : IKernel
    {
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int length = a.Rows * Edge;
            using Scratch scratch = backend.RentScratch(2 * length);
            float* sums = scratch.Pointer; // [row][lane]
            (int slices, int slice) = GemmPlan.SlicesOf(a.Columns);
            for (int column = (int)start * Edge; column < (int)end * Edge; column += Edge)
            {
                for (int s = 0; s < slices; s++)
                {
                    float* chains = s == 0 ? sums : sums + length;
                    Unsafe.InitBlockUnaligned(chains, 0, (uint)(length * sizeof(float)));
                    Slice(s * slice, Math.Min((s + 1) * slice, a.Columns), column, chains);
                    if (s > 0)
                    {
                        Add<Simd512>(chains, sums, length);
                    }
                }

                target.WriteVector(sums, a.Rows, column);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Slice(int k, int end, int column, float* chains)
        {
            float* from = b.Single + (column * b.Stride) + k;
            float* x = a.Single + k;

            // The next rows are asked for in the order in which they lie in memory, whatever the order of the squares.
            float* ahead = b.Single + ((column + Edge) * b.Stride) + ((long)k * Edge);
            bool asks = b.Stride == a.Columns && column + (2 * Edge) <= b.Columns;
            for (; k <= end - Edge; k += Edge, from += Edge, x += Edge, ahead += Edge * Edge)
            {
                for (int line = 0; asks && line < Edge * Edge; line += Edge)
                {
                    Sse.Prefetch0(ahead + line);
                }

                Square(from, b.Stride, x, a.Stride, a.Rows, chains);
            }

            for (; k < end; k++, from++, x++)
            {
                for (int row = 0; row < a.Rows; row++)
                {
                    for (int lane = 0; lane < Edge; lane++)
                    {
                        float* sum = chains + (row * Edge) + lane;
                        *sum = MathF.FusedMultiplyAdd(x[row * a.Stride], from[lane * b.Stride], *sum);
                    }
                }
            }
        }
    }

    // Whole stored rows are loaded, each a cache line. FourRows leaves, in 128-bit part j of register i, column 4j + i of four of them;
    // Join turns the parts of the four registers i over, which leaves whole columns. They meet each row of A in the depth's order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square(float* from, long stride, float* x, long xStride, int rows, float* chains)
    {
        FourRows(from, stride, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3);
        from += 4 * stride;
        FourRows(from, stride, out Vector512<float> c4, out Vector512<float> c5, out Vector512<float> c6, out Vector512<float> c7);
        from += 4 * stride;
        FourRows(from, stride, out Vector512<float> c8, out Vector512<float> c9, out Vector512<float> c10, out Vector512<float> c11);
        from += 4 * stride;
        FourRows(from, stride, out Vector512<float> c12, out Vector512<float> c13, out Vector512<float> c14, out Vector512<float> c15);
        Join(ref c0, ref c4, ref c8, ref c12);
        Join(ref c1, ref c5, ref c9, ref c13);
        Join(ref c2, ref c6, ref c10, ref c14);
        Join(ref c3, ref c7, ref c11, ref c15);
        for (int row = 0; row < rows; row++, x += xStride, chains += Edge)
        {
            Vector512<float> sum = Vector512.Load(chains);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[0]), c0, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[1]), c1, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[2]), c2, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[3]), c3, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[4]), c4, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[5]), c5, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[6]), c6, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[7]), c7, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[8]), c8, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[9]), c9, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[10]), c10, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[11]), c11, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[12]), c12, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[13]), c13, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[14]), c14, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[15]), c15, sum);
            sum.Store(chains);
        }
    }

    // Interleaves four rows within the 128-bit parts, first by singles, then by pairs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourRows(
        float* from, long stride, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        Vector512<float> r0 = Vector512.Load(from), r1 = Vector512.Load(from + stride);
        Vector512<float> r2 = Vector512.Load(from + (2 * stride)), r3 = Vector512.Load(from + (3 * stride));
        Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(r2, r3).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        c0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        c1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        c2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        c3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    // Part j of register i becomes part i of register j: 0x44 and 0xEE take the lower and the upper two parts of both operands, 0x88 and
    // 0xDD the even and the odd ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        Vector512<float> lowAb = Avx512F.Shuffle4x128(a, b, 0x44), highAb = Avx512F.Shuffle4x128(a, b, 0xEE);
        Vector512<float> lowCd = Avx512F.Shuffle4x128(c, d, 0x44), highCd = Avx512F.Shuffle4x128(c, d, 0xEE);
        a = Avx512F.Shuffle4x128(lowAb, lowCd, 0x88);
        b = Avx512F.Shuffle4x128(lowAb, lowCd, 0xDD);
        c = Avx512F.Shuffle4x128(highAb, highCd, 0x88);
        d = Avx512F.Shuffle4x128(highAb, highCd, 0xDD);
    }
}
