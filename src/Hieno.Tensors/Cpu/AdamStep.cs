using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Adam.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, Tensor? largest, AdamSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new AdamRule(settings), parameter, grad, settings.GradScale, m, v, largest);
    }

    private readonly struct AdamRule(AdamSettings settings) : IStepRule
    {
        private readonly float _stepSize = (float)(settings.LearningRate / (1 - Math.Pow(settings.Beta1, settings.Step)));
        private readonly float _inverseRoot = (float)(1 / Math.Sqrt(1 - Math.Pow(settings.Beta2, settings.Step)));
        private readonly float _keep = settings.Decoupled ? (float)(1 - (settings.LearningRate * settings.WeightDecay)) : 1f;
        private readonly float _decay = settings.Decoupled ? 0f : (float)settings.WeightDecay;
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _beta2 = (float)settings.Beta2;
        private readonly float _share1 = (float)(1 - settings.Beta1);
        private readonly float _share2 = (float)(1 - settings.Beta2);
        private readonly float _epsilon = (float)settings.Epsilon;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            V mean = V.Fma(V.All(_share1), g, V.All(_beta1) * V.Load(a));
            V square = V.Fma(V.All(_share2) * g, g, V.All(_beta2) * V.Load(b));
            mean.Store(a);
            square.Store(b);
            if (c != null)
            {
                square = V.Max(square, V.Load(c));
                square.Store(c);
            }

            V step = V.All(_stepSize) * mean / V.Fma(V.Sqrt(square), V.All(_inverseRoot), V.All(_epsilon));
            return (w * V.All(_keep)) - step;
        }
    }
}
