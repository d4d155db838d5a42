using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of averaged gradient descent.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AsgdStep(Tensor parameter, Tensor grad, Tensor average, AsgdSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new AsgdRule(settings), parameter, grad, settings.GradScale, average);
    }

    private static double RateOf(AsgdSettings settings) =>
        settings.LearningRate / Math.Pow(1 + (settings.Lambda * settings.LearningRate * (settings.Step - 1)), settings.Alpha);

    private readonly struct AsgdRule(AsgdSettings settings) : IStepRule
    {
        private readonly float _keep = (float)(1 - (settings.Lambda * RateOf(settings)));
        private readonly float _rate = (float)RateOf(settings);
        private readonly float _share = (float)(1.0 / Math.Max(1, settings.Step - 1 - settings.AverageFrom));
        private readonly float _decay = (float)settings.WeightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            w = (w * V.All(_keep)) - (V.All(_rate) * g);
            (_share == 1f ? w : V.Fma(V.All(_share), w - V.Load(a), V.Load(a))).Store(a);
            return w;
        }
    }
}
