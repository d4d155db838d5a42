using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of cutting off at a limit.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ClampForward(Tensor x, float limit, Tensor y)
    {
        var spans = new Spans(x, y);
        For(spans.Count, spans.Grain, new ClampKernel(spans, spans.Of(x), limit, spans.Of(y)));
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void ClampBackward(Tensor y, float limit, Tensor dy, Tensor dx, bool add)
    {
        var spans = new Spans(y, dy, dx);
        For(spans.Count, spans.Grain, new ClampBackwardKernel(spans, spans.Of(y), limit, spans.Of(dy), spans.Of(dx), add));
        KeepAlive(y, dy, dx);
    }

    private readonly unsafe struct ClampKernel(Spans spans, Operand x, float limit, Operand y) : IKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(x.At(span), y.At(span), 0, length);
                Part<Simd1>(x.At(span), y.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* xs, float* ys, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            (V high, V low) = (V.All(limit), V.All(-limit));
            for (; i <= length - V.Count; i += V.Count)
            {
                // Written so that NaN, which compares with nothing, stays NaN.
                V value = V.Load(xs + i);
                value = V.SelectLess(value, low, low, value);
                V.SelectLess(high, value, high, value).Store(ys + i);
            }

            return i;
        }
    }

    private readonly unsafe struct ClampBackwardKernel(Spans spans, Operand y, float limit, Operand dy, Operand dx, bool add) : IKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(y.At(span), dy.At(span), dx.At(span), 0, length);
                Part<Simd1>(y.At(span), dy.At(span), dx.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* ys, float* dys, float* dxs, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            (V high, V low) = (V.All(limit), V.All(-limit));
            for (; i <= length - V.Count; i += V.Count)
            {
                V value = V.Load(ys + i);
                V gradient = V.SelectLess(value, high, V.SelectLess(low, value, V.Load(dys + i), V.Zero), V.Zero);
                (add ? V.Load(dxs + i) + gradient : gradient).Store(dxs + i);
            }

            return i;
        }
    }
}
