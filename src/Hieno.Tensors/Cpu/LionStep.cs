using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Lion.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LionStep(Tensor parameter, Tensor grad, Tensor m, LionSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new LionRule(settings), parameter, grad, settings.GradScale, m);
    }

    private readonly struct LionRule(LionSettings settings) : IStepRule
    {
        private readonly float _rate = (float)settings.LearningRate;
        private readonly float _keep = (float)(1 - (settings.LearningRate * settings.WeightDecay));
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _beta2 = (float)settings.Beta2;
        private readonly float _share1 = (float)(1 - settings.Beta1);
        private readonly float _share2 = (float)(1 - settings.Beta2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            V m = V.Load(a);
            V direction = V.Fma(V.All(_share1), g, V.All(_beta1) * m);
            V.Fma(V.All(_share2), g, V.All(_beta2) * m).Store(a);
            return (w * V.All(_keep)) - (V.All(_rate) * Sign(direction));
        }
    }
}
