using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of RAdam.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void RAdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, RAdamSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new RAdamRule(settings), parameter, grad, settings.GradScale, m, v);
    }

    // r·√(1 − β₂ᵗ), or 0 where the step is not rectified.
    private static double Rectification(double beta2, int step)
    {
        const double Least = 5;
        double power = Math.Pow(beta2, step);
        double longest = (2 / (1 - beta2)) - 1;
        double length = longest - (2 * step * power / (1 - power));
        return length > Least
            ? Math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) * Math.Sqrt(1 - power)
            : 0;
    }

    private readonly struct RAdamRule(RAdamSettings settings) : IStepRule
    {
        private readonly float _stepSize = (float)(settings.LearningRate / (1 - Math.Pow(settings.Beta1, settings.Step)));
        private readonly float _rectified = (float)Rectification(settings.Beta2, settings.Step);
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
            V step = V.All(_stepSize) * mean;
            return w - (_rectified == 0f ? step : step * V.All(_rectified) / (V.Sqrt(square) + V.All(_epsilon)));
        }
    }
}
