using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the multiplication of rows by common factors, and of the factors' gradient.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ScaleColumns(Tensor x, Tensor factors, Tensor y, bool add)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(factors);
        ArgumentNullException.ThrowIfNull(y);
        For(x.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, x.Columns)), new ScaleColumnsKernel(x, factors, y, add));
        KeepAlive(x, y);
        GC.KeepAlive(factors);
    }

    /// <inheritdoc/>
    public override void SumProducts(Tensor a, Tensor b, Tensor sum, bool add)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(sum);
        int chunks = (a.Rows + SumRowsPerTask - 1) / SumRowsPerTask;
        using Scratch partials = RentScratch((long)chunks * a.Columns);
        For(a.Rows, SumRowsPerTask, new SumProductsKernel(a, b, partials.Pointer));
        SumPartials(partials.Pointer, chunks, a.Columns, (float*)sum.Pointer, add);
        KeepAlive(a, b);
        GC.KeepAlive(sum);
    }

    private readonly struct ScaleColumnsKernel(Tensor x, Tensor factors, Tensor y, bool add) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _factors = (float*)factors.Pointer;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _yStride = y.RowStride;
        private readonly int _columns = x.Columns;
        private readonly bool _add = add;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* ys = _y + (row * _yStride);
                int c = Part<V>(xs, ys, 0);
                Part<Simd1>(xs, ys, c);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* xs, float* ys, int c)
            where V : unmanaged, ISimd<V>
        {
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V value = V.Load(xs + c) * V.Load(_factors + c);
                (_add ? V.Load(ys + c) + value : value).Store(ys + c);
            }

            return c;
        }
    }

    private readonly struct SumProductsKernel(Tensor a, Tensor b, float* partials) : IKernel
    {
        private readonly float* _a = (float*)a.Pointer;
        private readonly long _aStride = a.RowStride;
        private readonly float* _b = (float*)b.Pointer;
        private readonly long _bStride = b.RowStride;
        private readonly int _columns = a.Columns;
        private readonly float* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* sums = _partials + ((long)chunk * _columns);
            new Span<float>(sums, _columns).Clear();
            for (long row = start; row < end; row++)
            {
                float* first = _a + (row * _aStride);
                float* second = _b + (row * _bStride);
                int c = Part<V>(first, second, sums, 0);
                Part<Simd1>(first, second, sums, c);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* first, float* second, float* sums, int c)
            where V : unmanaged, ISimd<V>
        {
            for (; c <= _columns - V.Count; c += V.Count)
            {
                (V.Load(sums + c) + (V.Load(first + c) * V.Load(second + c))).Store(sums + c);
            }

            return c;
        }
    }
}
