using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of NAdam.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void NAdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, NAdamSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new NAdamRule(settings), parameter, grad, settings.GradScale, m, v);
    }

    private readonly struct NAdamRule(NAdamSettings settings) : IStepRule
    {
        private readonly float _ofGradient = (float)(settings.LearningRate * (1 - settings.MomentumNow) / (1 - settings.MomentumProduct));
        private readonly float _ofMean = (float)(settings.LearningRate * settings.MomentumNext / (1 - settings.MomentumProductNext));
        private readonly float _inverseRoot = (float)(1 / Math.Sqrt(1 - Math.Pow(settings.Beta2, settings.Step)));
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _beta2 = (float)settings.Beta2;
        private readonly float _share1 = (float)(1 - settings.Beta1);
        private readonly float _share2 = (float)(1 - settings.Beta2);
        private readonly float _epsilon = (float)settings.Epsilon;
        private readonly float _decay = (float)settings.WeightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            V mean = V.Fma(V.All(_share1), g, V.All(_beta1) * V.Load(a));
            V square = V.Fma(V.All(_share2) * g, g, V.All(_beta2) * V.Load(b));
            mean.Store(a);
            square.Store(b);
            V step = V.Fma(V.All(_ofGradient), g, V.All(_ofMean) * mean);
            return w - (step / V.Fma(V.Sqrt(square), V.All(_inverseRoot), V.All(_epsilon)));
        }
    }
}
