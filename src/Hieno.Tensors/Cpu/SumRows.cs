using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Column sums: the gradient of a bias.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int SumRowsPerTask = 64; // fixed, so that the sums never depend on the thread count

    /// <inheritdoc/>
    public override void SumRows(Tensor x, Tensor sum, bool add)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(sum);
        int chunks = (x.Rows + SumRowsPerTask - 1) / SumRowsPerTask;
        using Scratch partials = RentScratch((long)chunks * x.Columns);
        For(x.Rows, SumRowsPerTask, new SumRowsKernel(x, partials.Pointer));
        SumPartials(partials.Pointer, chunks, x.Columns, (float*)sum.Pointer, add);
        KeepAlive(x, sum);
    }

    private readonly struct SumRowsKernel(Tensor x, float* partials) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _stride = x.RowStride;
        private readonly int _columns = x.Columns;
        private readonly float* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* sums = _partials + ((long)chunk * _columns);
            new Span<float>(sums, _columns).Clear();
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _stride);
                int c = 0;
                for (; c <= _columns - V.Count; c += V.Count)
                {
                    (V.Load(sums + c) + V.Load(xs + c)).Store(sums + c);
                }

                for (; c < _columns; c++)
                {
                    sums[c] += xs[c];
                }
            }
        }
    }
}
