using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Adamax.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamaxStep(Tensor parameter, Tensor grad, Tensor m, Tensor u, AdamaxSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new AdamaxRule(settings), parameter, grad, settings.GradScale, m, u);
    }

    private readonly struct AdamaxRule(AdamaxSettings settings) : IStepRule
    {
        private readonly float _stepSize = (float)(settings.LearningRate / (1 - Math.Pow(settings.Beta1, settings.Step)));
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _share1 = (float)(1 - settings.Beta1);
        private readonly float _beta2 = (float)settings.Beta2;
        private readonly float _epsilon = (float)settings.Epsilon;
        private readonly float _decay = (float)settings.WeightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            V mean = V.Fma(V.All(_share1), g, V.All(_beta1) * V.Load(a));
            V largest = V.Max(V.All(_beta2) * V.Load(b), V.Abs(g) + V.All(_epsilon));
            mean.Store(a);
            largest.Store(b);
            return w - (V.All(_stepSize) * mean / largest);
        }
    }
}
