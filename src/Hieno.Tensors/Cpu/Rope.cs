using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>The kernel of rotary position embeddings.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Rope(
        Tensor x, Tensor cos, Tensor sin, int[] positions, int headWidth, RopeLayout layout, bool inverse, Tensor y, bool add)
    {
        ArgumentNullException.ThrowIfNull(x);
        long grain = Math.Max(1, ElementsPerTask / Math.Max(1, x.Columns));
        fixed (int* rows = positions)
        {
            For(x.Rows, grain, new RopeKernel(x, cos, sin, rows, headWidth, layout == RopeLayout.Interleaved, inverse, y, add));
        }

        GC.KeepAlive(cos); // the table may have grown meanwhile and let go of these
        GC.KeepAlive(sin);
    }

    private readonly struct RopeKernel(
        Tensor x, Tensor cos, Tensor sin, int* positions, int headWidth, bool interleaved, bool inverse, Tensor y, bool add) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly float* _y = (float*)y.Pointer;
        private readonly float* _cos = (float*)cos.Pointer;
        private readonly float* _sin = (float*)sin.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly long _yStride = y.RowStride;
        private readonly int _columns = x.Columns;
        private readonly int _pairs = cos.Columns;
        private readonly float _direction = inverse ? -1f : 1f;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* ys = _y + (row * _yStride);
                long angles = (long)positions[row] * _pairs;
                for (int head = 0; head < _columns; head += headWidth)
                {
                    if (interleaved)
                    {
                        RotateNeighbours(xs + head, ys + head, _cos + angles, _sin + angles);
                    }
                    else
                    {
                        RotateHalves<V>(xs + head, ys + head, _cos + angles, _sin + angles);
                    }

                    for (int c = 2 * _pairs; c < headWidth; c++)
                    {
                        ys[head + c] = xs[head + c] + (add ? ys[head + c] : 0f);
                    }
                }
            }
        }

        // y1 = x1·cos − x2·sin and y2 = x2·cos + x1·sin, where the lanes x2 lie half the rotated width after x1.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void RotateHalves<V>(float* x1, float* y1, float* cos, float* sin)
            where V : unmanaged, ISimd<V>
        {
            float* x2 = x1 + _pairs;
            float* y2 = y1 + _pairs;
            V direction = V.All(_direction);
            int i = 0;
            for (; i <= _pairs - V.Count; i += V.Count)
            {
                V c = V.Load(cos + i);
                V s = V.Load(sin + i) * direction;
                V a = V.Load(x1 + i);
                V b = V.Load(x2 + i);
                V first = (a * c) - (b * s);
                V second = (b * c) + (a * s);
                (add ? V.Load(y1 + i) + first : first).Store(y1 + i);
                (add ? V.Load(y2 + i) + second : second).Store(y2 + i);
            }

            for (; i < _pairs; i++)
            {
                float s = sin[i] * _direction;
                float first = (x1[i] * cos[i]) - (x2[i] * s);
                float second = (x2[i] * cos[i]) + (x1[i] * s);
                y1[i] = first + (add ? y1[i] : 0f);
                y2[i] = second + (add ? y2[i] : 0f);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void RotateNeighbours(float* x, float* y, float* cos, float* sin)
        {
            for (int i = 0; i < _pairs; i++)
            {
                float s = sin[i] * _direction;
                float first = (x[2 * i] * cos[i]) - (x[(2 * i) + 1] * s);
                float second = (x[(2 * i) + 1] * cos[i]) + (x[2 * i] * s);
                y[2 * i] = first + (add ? y[2 * i] : 0f);
                y[(2 * i) + 1] = second + (add ? y[(2 * i) + 1] : 0f);
            }
        }
    }
}
