using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Adagrad.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdagradStep(Tensor parameter, Tensor grad, Tensor sum, AdagradSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new AdagradRule(settings), parameter, grad, settings.GradScale, sum);
    }

    private readonly struct AdagradRule(AdagradSettings settings) : IStepRule
    {
        private readonly float _rate = (float)(settings.LearningRate / (1 + ((settings.Step - 1) * settings.RateDecay)));
        private readonly float _epsilon = (float)settings.Epsilon;
        private readonly float _decay = (float)settings.WeightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            V sum = V.Fma(g, g, V.Load(a));
            sum.Store(a);
            return w - (V.All(_rate) * g / (V.Sqrt(sum) + V.All(_epsilon)));
        }
    }
}
