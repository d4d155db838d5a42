using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the multiplication of each row by a factor of its own, and of the factors' gradient.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ScaleRows(Tensor x, Tensor factors, Tensor y, bool add)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(factors);
        ArgumentNullException.ThrowIfNull(y);
        For(x.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, x.Columns)), new ScaleRowsKernel(x, factors, y, add));
        KeepAlive(x, y);
        GC.KeepAlive(factors);
    }

    /// <inheritdoc/>
    public override void RowProducts(Tensor a, Tensor b, Tensor sums, bool add)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(sums);
        For(a.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, a.Columns)), new RowProductsKernel(a, b, sums, add));
        KeepAlive(a, b);
        GC.KeepAlive(sums);
    }

    private readonly struct ScaleRowsKernel(Tensor x, Tensor factors, Tensor y, bool add) : IKernel
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
                int c = Part<V>(xs, ys, _factors[row], 0);
                Part<Simd1>(xs, ys, _factors[row], c);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* xs, float* ys, float factor, int c)
            where V : unmanaged, ISimd<V>
        {
            V wide = V.All(factor);
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V value = V.Load(xs + c) * wide;
                (_add ? V.Load(ys + c) + value : value).Store(ys + c);
            }

            return c;
        }
    }

    private readonly struct RowProductsKernel(Tensor a, Tensor b, Tensor sums, bool add) : IKernel
    {
        private readonly float* _a = (float*)a.Pointer;
        private readonly long _aStride = a.RowStride;
        private readonly float* _b = (float*)b.Pointer;
        private readonly long _bStride = b.RowStride;
        private readonly float* _sums = (float*)sums.Pointer;
        private readonly int _columns = a.Columns;
        private readonly bool _add = add;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float sum = AttentionProducts.Dot<V>(_a + (row * _aStride), _b + (row * _bStride), _columns);
                _sums[row] = _add ? _sums[row] + sum : sum;
            }
        }
    }
}
