using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Means of squared gradients over rows and columns: what the optimizers that save memory keep in place of a number for each weight.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Where the rows of a 32-bit tensor begin.</summary>
    private readonly struct MatrixRows(Tensor tensor)
    {
        private readonly float* _first = (float*)tensor.Pointer;
        private readonly long _stride = tensor.RowStride;

        public float* this[long row] => _first + (row * _stride);
    }

    /// <summary>mean[c] ← kept · mean[c] + (1 − kept) · (Σ over rows of (scale · x)² / rows + added), summed in an order that is always the same.</summary>
    private void UpdateColumnMeans(Tensor x, float scale, float* mean, double kept, double added)
    {
        int chunks = (x.Rows + SumRowsPerTask - 1) / SumRowsPerTask;
        using Scratch partials = RentScratch((long)(chunks + 1) * x.Columns);
        float* sums = partials.Pointer + ((long)chunks * x.Columns);
        For(x.Rows, SumRowsPerTask, new ColumnSquaresKernel(new MatrixRows(x), x.Columns, scale, partials.Pointer));
        SumPartials(partials.Pointer, chunks, x.Columns, sums, add: false);
        for (int c = 0; c < x.Columns; c++)
        {
            mean[c] = (float)((kept * mean[c]) + ((1 - kept) * ((sums[c] / x.Rows) + added)));
        }
    }

    /// <summary>mean ← kept · mean + (1 − kept) · (Σ (scale · x)² / columns + added) for one row x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpdateRowMean<V>(float* x, int columns, float scale, float* mean, double kept, double added)
        where V : unmanaged, ISimd<V>
    {
        double sum = SquareSum<V>(x, columns, scale);
        *mean = (float)((kept * *mean) + ((1 - kept) * ((sum / columns) + added)));
    }

    /// <summary>Σ (scale · x)² of one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SquareSum<V>(float* x, int columns, float scale)
        where V : unmanaged, ISimd<V>
    {
        V lanes = V.Zero;
        int c = 0;
        for (; c <= columns - V.Count; c += V.Count)
        {
            V value = V.Load(x + c) * V.All(scale);
            lanes = V.Fma(value, value, lanes);
        }

        float sum = V.Sum(lanes);
        for (; c < columns; c++)
        {
            float value = x[c] * scale;
            sum += value * value;
        }

        return sum;
    }

    private readonly struct ColumnSquaresKernel(MatrixRows x, int columns, float scale, float* partials) : IKernel
    {
        private readonly float* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* sums = _partials + ((long)chunk * columns);
            new Span<float>(sums, columns).Clear();
            for (long row = start; row < end; row++)
            {
                int done = Add<V>(x[row], sums, 0);
                Add<Simd1>(x[row], sums, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Add<V>(float* xs, float* sums, int c)
            where V : unmanaged, ISimd<V>
        {
            for (; c <= columns - V.Count; c += V.Count)
            {
                V value = V.Load(xs + c) * V.All(scale);
                V.Fma(value, value, V.Load(sums + c)).Store(sums + c);
            }

            return c;
        }
    }
}
