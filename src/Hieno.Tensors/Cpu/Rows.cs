using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels that pick rows and add rows back.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GatherRows(Tensor x, ReadOnlySpan<int> rows, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        fixed (int* picked = rows)
        {
            For(rows.Length, Math.Max(1, ElementsPerTask / Math.Max(1, x.Columns)), new GatherKernel(x, picked, y));
        }
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void ScatterAddRows(Tensor source, ReadOnlySpan<int> rows, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);

        // Positions sorted by the row they go to, equal rows in order of position: each run of equal rows is one task's alone.
        long[] order = new long[rows.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = ((long)rows[i] << 32) | (uint)i;
        }

        Array.Sort(order);
        fixed (long* sorted = order)
        {
            For(order.Length, Math.Max(1, ElementsPerTask / Math.Max(1, source.Columns)), new ScatterAddKernel(source, sorted, order.Length, destination));
        }
        KeepAlive(source, destination);
    }

    private readonly struct GatherKernel(Tensor x, int* rows, Tensor y) : IKernel
    {
        private readonly Matrix _x = Matrix.Of(x);
        private readonly int* _rows = rows;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _stride = y.RowStride;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long i = start; i < end; i++)
            {
                GemmPack.CopyRow<V>(_x, _x.Index(_rows[i], 0), _y + (i * _stride), _x.Columns);
            }
        }
    }

    /// <summary>Items are sorted positions; a run of equal rows belongs to the range it begins in.</summary>
    private readonly struct ScatterAddKernel(Tensor source, long* sorted, int count, Tensor destination) : IKernel
    {
        private readonly long* _sorted = sorted;
        private readonly float* _source = (float*)source.Pointer;
        private readonly long _sourceStride = source.RowStride;
        private readonly float* _destination = (float*)destination.Pointer;
        private readonly long _destinationStride = destination.RowStride;
        private readonly int _columns = source.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            long i = start;
            while (i > 0 && i < end && IsSameRow(i, i - 1))
            {
                i++; // the rest of a run that began in an earlier range
            }

            if (i == end)
            {
                return;
            }

            for (; i < count && (i < end || IsSameRow(i, i - 1)); i++)
            {
                float* from = _source + ((uint)_sorted[i] * _sourceStride);
                float* to = _destination + ((_sorted[i] >> 32) * _destinationStride);
                int c = 0;
                for (; c <= _columns - V.Count; c += V.Count)
                {
                    (V.Load(to + c) + V.Load(from + c)).Store(to + c);
                }

                for (; c < _columns; c++)
                {
                    to[c] += from[c];
                }
            }
        }

        private bool IsSameRow(long i, long j) => _sorted[i] >> 32 == _sorted[j] >> 32;
    }
}
