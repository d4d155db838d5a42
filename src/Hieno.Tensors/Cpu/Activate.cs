using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the activation functions.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ActivateForward(Tensor x, Activation kind, Tensor y)
    {
        CpuActivations.With(kind, new ForwardOf(this, x, y));
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void ActivateBackward(Tensor x, Activation kind, Tensor dy, Tensor dx, bool add)
    {
        CpuActivations.With(kind, new BackwardOf(this, x, dy, dx, add));
        KeepAlive(x, dy, dx);
    }

    private readonly struct ForwardOf(CpuBackend backend, Tensor x, Tensor y) : IWithActivation
    {
        public void Run<A>()
            where A : struct, IActivation
        {
            var spans = new Spans(x, y);
            backend.For(spans.Count, spans.Grain, new ActivateKernel<A>(spans, spans.Of(x), spans.Of(y)));
        }
    }

    private readonly struct BackwardOf(CpuBackend backend, Tensor x, Tensor dy, Tensor dx, bool add) : IWithActivation
    {
        public void Run<A>()
            where A : struct, IActivation
        {
            var spans = new Spans(x, dy, dx);
            backend.For(spans.Count, spans.Grain, new ActivateBackwardKernel<A>(spans, spans.Of(x), spans.Of(dy), spans.Of(dx), add));
        }
    }

    private readonly unsafe struct ActivateKernel<A>(Spans spans, Operand x, Operand y) : IKernel
        where A : struct, IActivation
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
        private static int Part<V>(float* xs, float* ys, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            for (; i <= length - V.Count; i += V.Count)
            {
                A.Value(V.Load(xs + i)).Store(ys + i);
            }

            return i;
        }
    }

    private readonly unsafe struct ActivateBackwardKernel<A>(Spans spans, Operand x, Operand dy, Operand dx, bool add) : IKernel
        where A : struct, IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(x.At(span), dy.At(span), dx.At(span), 0, length);
                Part<Simd1>(x.At(span), dy.At(span), dx.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* xs, float* dys, float* dxs, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            for (; i <= length - V.Count; i += V.Count)
            {
                V d = A.Slope(V.Load(xs + i)) * V.Load(dys + i);
                (add ? V.Load(dxs + i) + d : d).Store(dxs + i);
            }

            return i;
        }
    }
}
