using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of interpolation: one item a pixel of the result, the channels in the lanes.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Resample(Tensor x, int outer, int inner, ResampleSide side, Tensor y, bool add)
    {
        ArgumentNullException.ThrowIfNull(side);
        ArgumentNullException.ThrowIfNull(y);
        For((long)outer * side.Places * inner, PixelsPerTask(y), new ResampleKernel(x, inner, side, y, add));
        KeepAlive(x, y);
    }

    private readonly struct ResampleKernel(Tensor x, int inner, ResampleSide side, Tensor y, bool add) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _yStride = y.RowStride;
        private readonly int _channels = y.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long item = start; item < end; item++)
            {
                (int outer, int place, int beside) = PixelAt(item, side.Places, inner);
                float* to = _y + (item * _yStride);
                if (!add)
                {
                    new Span<float>(to, _channels).Clear();
                }

                ReadOnlySpan<float> weights = side.Weights(place);
                long first = (((long)outer * side.Length) + side.First[place]) * inner;
                for (int i = 0; i < weights.Length; i++)
                {
                    AddScaledChannels<V>(_x + ((first + ((long)i * inner) + beside) * _xStride), weights[i], to, _channels);
                }
            }
        }
    }
}
