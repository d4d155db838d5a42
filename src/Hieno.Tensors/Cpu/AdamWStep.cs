using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the AdamW step.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamWStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, in AdamWSettings settings)
    {
        var spans = new Spans(parameter, grad, m, v);
        For(spans.Count, spans.Grain, new AdamWKernel(spans, spans.Of(parameter), spans.Of(grad), spans.Of(m), spans.Of(v), settings));
        KeepAlive(parameter, grad, m, v);
    }

    private readonly unsafe struct AdamWKernel(Spans spans, Operand parameter, Operand grad, Operand m, Operand v, AdamWSettings settings)
        : IKernel
    {
        private readonly float _stepSize = (float)(settings.LearningRate / (1 - Math.Pow(settings.Beta1, settings.Step)));
        private readonly float _inverseRoot = (float)(1 / Math.Sqrt(1 - Math.Pow(settings.Beta2, settings.Step)));
        private readonly float _keep = (float)(1 - (settings.LearningRate * settings.WeightDecay));
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _beta2 = (float)settings.Beta2;
        private readonly float _share1 = (float)(1 - settings.Beta1);
        private readonly float _share2 = (float)(1 - settings.Beta2);
        private readonly float _epsilon = (float)settings.Epsilon;
        private readonly float _gradScale = settings.GradScale;

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
            float* ms = m.At(span);
            float* vs = v.At(span);
            V scale = V.All(_gradScale);
            V beta1 = V.All(_beta1);
            V beta2 = V.All(_beta2);
            V share1 = V.All(_share1);
            V share2 = V.All(_share2);
            V inverseRoot = V.All(_inverseRoot);
            V epsilon = V.All(_epsilon);
            V stepSize = V.All(_stepSize);
            V keep = V.All(_keep);
            for (; i <= length - V.Count; i += V.Count)
            {
                V g = V.Load(gs + i) * scale;
                V mean = V.Fma(share1, g, beta1 * V.Load(ms + i));
                V square = V.Fma(share2 * g, g, beta2 * V.Load(vs + i));
                mean.Store(ms + i);
                square.Store(vs + i);
                V step = stepSize * mean / V.Fma(V.Sqrt(square), inverseRoot, epsilon);
                ((V.Load(ps + i) * keep) - step).Store(ps + i);
            }

            return i;
        }
    }
}
