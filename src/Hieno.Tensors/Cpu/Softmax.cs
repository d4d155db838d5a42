using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the softmax of rows.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SoftmaxForward(Tensor x, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        For(x.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, x.Columns)), new SoftmaxKernel(x, y));
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, bool add)
    {
        ArgumentNullException.ThrowIfNull(y);
        For(y.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, y.Columns)), new SoftmaxBackwardKernel(y, dy, dx, add));
        KeepAlive(y, dy, dx);
    }

    private readonly struct SoftmaxKernel(Tensor x, Tensor y) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly int _columns = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* ys = _y + (row * _columns);
                float largest = Largest<V>(xs);
                float sum = 0f;
                int done = Exponentials<V>(xs, largest, ys, ref sum, 0);
                Exponentials<Simd1>(xs, largest, ys, ref sum, done);
                done = Normalize<V>(ys, 1f / sum, 0);
                Normalize<Simd1>(ys, 1f / sum, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private float Largest<V>(float* xs)
            where V : unmanaged, ISimd<V>
        {
            V even = V.All(float.NegativeInfinity);
            V odd = even; // two, as each maximum waits for the one before it
            int c = 0;
            for (; c <= _columns - (2 * V.Count); c += 2 * V.Count)
            {
                even = V.Max(even, V.Load(xs + c));
                odd = V.Max(odd, V.Load(xs + c + V.Count));
            }

            float largest = V.MaxLane(V.Max(even, odd));
            for (; c < _columns; c++)
            {
                largest = MathF.Max(largest, xs[c]);
            }

            return largest;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Exponentials<V>(float* xs, float largest, float* ys, ref float sum, int c)
            where V : unmanaged, ISimd<V>
        {
            V limits = V.All(largest);
            V lanes = V.Zero;
            int columns = _columns; // a local: the compiler must assume that a store changes the field
            for (; c <= columns - V.Count; c += V.Count)
            {
                V e = SimdMath.Exp(V.Load(xs + c) - limits);
                e.Store(ys + c);
                lanes += e;
            }

            sum += V.Sum(lanes);
            return c;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Normalize<V>(float* ys, float factor, int c)
            where V : unmanaged, ISimd<V>
        {
            V factors = V.All(factor);
            int columns = _columns;
            for (; c <= columns - V.Count; c += V.Count)
            {
                (V.Load(ys + c) * factors).Store(ys + c);
            }

            return c;
        }
    }

    private readonly struct SoftmaxBackwardKernel(Tensor y, Tensor dy, Tensor dx, bool add) : IKernel
    {
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _yStride = y.RowStride;
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _dx = (float*)dx.Pointer;
        private readonly long _dxStride = dx.RowStride;
        private readonly int _columns = y.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* ys = _y + (row * _yStride);
                float* dys = _dy + (row * _dyStride);
                float* dxs = _dx + (row * _dxStride);
                V even = V.Zero;
                V odd = V.Zero; // two sums, so that one multiply-add need not wait for the one before it
                int c = 0;
                for (; c <= _columns - (2 * V.Count); c += 2 * V.Count)
                {
                    even = V.Fma(V.Load(ys + c), V.Load(dys + c), even);
                    odd = V.Fma(V.Load(ys + c + V.Count), V.Load(dys + c + V.Count), odd);
                }

                float sum = V.Sum(even + odd);
                for (; c < _columns; c++)
                {
                    sum += ys[c] * dys[c];
                }

                int done = Part<V>(ys, dys, sum, dxs, 0);
                Part<Simd1>(ys, dys, sum, dxs, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* ys, float* dys, float sum, float* dxs, int c)
            where V : unmanaged, ISimd<V>
        {
            V sums = V.All(sum);
            int columns = _columns; // a local: the compiler must assume that a store changes the field
            for (; c <= columns - V.Count; c += V.Count)
            {
                V d = V.Load(ys + c) * (V.Load(dys + c) - sums);
                (add ? V.Load(dxs + c) + d : d).Store(dxs + c);
            }

            return c;
        }
    }
}
