using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of gradient descent.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SgdStep(Tensor parameter, Tensor grad, Tensor? momentum, in SgdSettings settings)
    {
        var spans = new Spans(parameter, grad, momentum);
        For(spans.Count, spans.Grain, new SgdKernel(spans, spans.Of(parameter), spans.Of(grad), spans.Of(momentum), settings));
        KeepAlive(parameter, grad, momentum);
    }

    private readonly unsafe struct SgdKernel(Spans spans, Operand parameter, Operand grad, Operand momentum, SgdSettings settings) : IKernel
    {
        // In the first step the momentum becomes the gradient itself, whatever it held.
        private readonly float _kept = settings.Step == 1 ? 0f : (float)settings.Momentum;
        private readonly float _added = settings.Step == 1 ? 1f : (float)(1 - settings.Dampening);

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
            float* ps = parameter.At(span);
            float* gs = grad.At(span);
            float* bs = momentum.IsPresent ? momentum.At(span) : null;
            V scale = V.All(settings.GradScale);
            V decay = V.All((float)settings.WeightDecay);
            V rate = V.All((float)settings.LearningRate);
            V ahead = V.All((float)settings.Momentum);
            V kept = V.All(_kept);
            V added = V.All(_added);
            for (; i <= length - V.Count; i += V.Count)
            {
                V w = V.Load(ps + i);
                V g = V.Fma(decay, w, V.Load(gs + i) * scale);
                if (bs != null)
                {
                    V b = _kept == 0f ? added * g : V.Fma(kept, V.Load(bs + i), added * g);
                    b.Store(bs + i);
                    g = settings.Nesterov ? V.Fma(ahead, b, g) : b;
                }

                (w - (rate * g)).Store(ps + i);
            }

            return i;
        }
    }
}
