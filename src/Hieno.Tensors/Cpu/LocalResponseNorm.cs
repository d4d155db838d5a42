using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of local response normalisation, a row at a time. Networks that use it have few of these layers: plain code is enough.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LocalResponseNormForward(Tensor x, int size, float alpha, float beta, float k, Tensor y, Tensor sums)
    {
        ArgumentNullException.ThrowIfNull(x);
        For(x.Rows, Math.Max(1, ElementsPerTask / x.Columns), new ResponseForwardKernel(x, size, alpha, beta, k, y, sums));
        KeepAlive(x, y, sums);
    }

    /// <inheritdoc/>
    public override void LocalResponseNormBackward(Tensor x, Tensor sums, Tensor dy, int size, float alpha, float beta, Tensor dx, bool add)
    {
        ArgumentNullException.ThrowIfNull(x);
        For(x.Rows, Math.Max(1, ElementsPerTask / x.Columns), new ResponseBackwardKernel(x, sums, dy, size, alpha, beta, dx, add));
        KeepAlive(x, sums, dy, dx);
    }

    private readonly struct ResponseForwardKernel(Tensor x, int size, float alpha, float beta, float k, Tensor y, Tensor sums) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _stride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly float* _sums = (float*)sums.Pointer;
        private readonly int _channels = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _stride);
                for (int c = 0; c < _channels; c++)
                {
                    float squares = 0f;
                    for (int near = Math.Max(0, c - (size / 2)); near < Math.Min(_channels, c - (size / 2) + size); near++)
                    {
                        squares += xs[near] * xs[near];
                    }

                    float sum = k + (alpha * squares);
                    _sums[(row * _channels) + c] = sum;
                    _y[(row * _channels) + c] = xs[c] * MathF.Pow(sum, -beta);
                }
            }
        }
    }

    private readonly struct ResponseBackwardKernel(Tensor x, Tensor sums, Tensor dy, int size, float alpha, float beta, Tensor dx, bool add) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _sums = (float*)sums.Pointer;
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _dx = (float*)dx.Pointer;
        private readonly long _dxStride = dx.RowStride;
        private readonly int _channels = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* dys = _dy + (row * _dyStride);
                float* dxs = _dx + (row * _dxStride);
                float* totals = _sums + (row * _channels);
                for (int c = 0; c < _channels; c++)
                {
                    // The windows that hold channel c begin size − 1 channels before it at most.
                    float shares = 0f;
                    for (int near = Math.Max(0, c + (size / 2) - size + 1); near < Math.Min(_channels, c + (size / 2) + 1); near++)
                    {
                        shares += dys[near] * xs[near] * MathF.Pow(totals[near], -beta - 1f);
                    }

                    float value = (dys[c] * MathF.Pow(totals[c], -beta)) - (2f * alpha * beta * xs[c] * shares);
                    dxs[c] = add ? dxs[c] + value : value;
                }
            }
        }
    }
}
