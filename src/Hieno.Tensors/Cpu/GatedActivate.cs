using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of gated activation.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GatedActivateForward(Tensor gate, Tensor up, Activation kind, Tensor y)
    {
        CpuActivations.With(kind, new GatedForwardOf(this, gate, up, y));
        KeepAlive(gate, up, y);
    }

    /// <inheritdoc/>
    public override void GatedActivateBackward(
        Tensor gate, Tensor up, Activation kind, Tensor dy, Tensor? dgate, bool addToGate, Tensor? dup, bool addToUp)
    {
        CpuActivations.With(kind, new GatedBackwardOf(this, gate, up, dy, dgate, addToGate, dup, addToUp));
        KeepAlive(gate, up, dy, dgate, dup);
    }

    private readonly struct GatedForwardOf(CpuBackend backend, Tensor gate, Tensor up, Tensor y) : IWithActivation
    {
        public void Run<A>()
            where A : struct, IActivation
        {
            var spans = new Spans(gate, up, y);
            backend.For(spans.Count, spans.Grain, new GatedKernel<A>(spans, spans.Of(gate), spans.Of(up), spans.Of(y)));
        }
    }

    private readonly struct GatedBackwardOf(
        CpuBackend backend, Tensor gate, Tensor up, Tensor dy, Tensor? dgate, bool addToGate, Tensor? dup, bool addToUp) : IWithActivation
    {
        public void Run<A>()
            where A : struct, IActivation
        {
            var spans = new Spans(gate, up, dy, dgate, dup);
            backend.For(
                spans.Count,
                spans.Grain,
                new GatedBackwardKernel<A>(
                    spans,
                    spans.Of(gate),
                    dgate is null ? default : spans.Of(up), // up is not kept where gate is frozen
                    spans.Of(dy),
                    spans.Of(dgate),
                    addToGate,
                    spans.Of(dup),
                    addToUp));
        }
    }

    private readonly unsafe struct GatedKernel<A>(Spans spans, Operand gate, Operand up, Operand y) : IKernel
        where A : struct, IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(gate.At(span), up.At(span), y.At(span), 0, length);
                Part<Simd1>(gate.At(span), up.At(span), y.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Part<V>(float* gates, float* ups, float* ys, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            for (; i <= length - V.Count; i += V.Count)
            {
                (A.Value(V.Load(gates + i)) * V.Load(ups + i)).Store(ys + i);
            }

            return i;
        }
    }

    private readonly unsafe struct GatedBackwardKernel<A>(
        Spans spans, Operand gate, Operand up, Operand dy, Operand dgate, bool addToGate, Operand dup, bool addToUp) : IKernel
        where A : struct, IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int done = Part<V>(span, 0);
                Part<Simd1>(span, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(long span, int i)
            where V : unmanaged, ISimd<V>
        {
            int length = spans.LengthOf(span);
            float* gates = gate.At(span);
            float* ups = up.At(span);
            float* dys = dy.At(span);
            float* dgates = dgate.IsPresent ? dgate.At(span) : null;
            float* dups = dup.IsPresent ? dup.At(span) : null;
            for (; i <= length - V.Count; i += V.Count)
            {
                V g = V.Load(gates + i);
                V d = V.Load(dys + i);
                if (dgates != null)
                {
                    V value = d * V.Load(ups + i) * A.Slope(g);
                    (addToGate ? V.Load(dgates + i) + value : value).Store(dgates + i);
                }

                if (dups != null)
                {
                    V value = d * A.Value(g);
                    (addToUp ? V.Load(dups + i) + value : value).Store(dups + i);
                }
            }

            return i;
        }
    }
}
