using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the mean over segments of rows: one task a segment.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SegmentMeanForward(Tensor x, int[] starts, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(starts);
        For(starts.Length - 1, 1, new SegmentMeanKernel(x, starts, y));
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void SegmentMeanBackward(Tensor dy, int[] starts, Tensor dx, bool add)
    {
        ArgumentNullException.ThrowIfNull(starts);
        For(starts.Length - 1, 1, new SegmentMeanBackwardKernel(dy, starts, dx, add));
        KeepAlive(dy, dx);
    }

    private readonly struct SegmentMeanKernel(Tensor x, int[] starts, Tensor y) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly int _columns = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long segment = start; segment < end; segment++)
            {
                int done = Part<V>(segment, 0);
                Part<Simd1>(segment, done);
            }
        }

        // A few columns at a time down all rows of the segment, so that the sum stays in a register.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(long segment, int c)
            where V : unmanaged, ISimd<V>
        {
            (int first, int last) = (starts[segment], starts[segment + 1]);
            V factor = V.All(1f / (last - first));
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V sum = V.Zero;
                for (long row = first; row < last; row++)
                {
                    sum += V.Load(_x + (row * _xStride) + c);
                }

                (sum * factor).Store(_y + (segment * _columns) + c);
            }

            return c;
        }
    }

    private readonly struct SegmentMeanBackwardKernel(Tensor dy, int[] starts, Tensor dx, bool add) : IKernel
    {
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _dx = (float*)dx.Pointer;
        private readonly long _dxStride = dx.RowStride;
        private readonly int _columns = dx.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long segment = start; segment < end; segment++)
            {
                (int first, int last) = (starts[segment], starts[segment + 1]);
                float* dys = _dy + (segment * _dyStride);
                for (long row = first; row < last; row++)
                {
                    float* dxs = _dx + (row * _dxStride);
                    int done = Part<V>(dys, 1f / (last - first), dxs, 0);
                    Part<Simd1>(dys, 1f / (last - first), dxs, done);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* dys, float factor, float* dxs, int c)
            where V : unmanaged, ISimd<V>
        {
            V factors = V.All(factor);
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V d = V.Load(dys + c) * factors;
                (add ? V.Load(dxs + c) + d : d).Store(dxs + c);
            }

            return c;
        }
    }
}
