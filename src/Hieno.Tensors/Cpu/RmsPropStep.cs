using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of RMSprop.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void RmsPropStep(Tensor parameter, Tensor grad, Tensor v, Tensor? mean, Tensor? momentum, RmsPropSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new RmsPropRule(settings), parameter, grad, settings.GradScale, v, mean, momentum);
    }

    private readonly struct RmsPropRule(RmsPropSettings settings) : IStepRule
    {
        private readonly float _rate = (float)settings.LearningRate;
        private readonly float _alpha = (float)settings.Alpha;
        private readonly float _share = (float)(1 - settings.Alpha);
        private readonly float _momentum = (float)settings.Momentum;
        private readonly float _epsilon = (float)settings.Epsilon;
        private readonly float _decay = (float)settings.WeightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            V square = V.Fma(V.All(_share) * g, g, V.All(_alpha) * V.Load(a));
            square.Store(a);
            if (b != null)
            {
                V mean = V.Fma(V.All(_share), g, V.All(_alpha) * V.Load(b));
                mean.Store(b);
                square = V.Max(V.Zero, square - (mean * mean)); // rounding must not bring a negative number under the root
            }

            V change = g / (V.Sqrt(square) + V.All(_epsilon));
            if (c != null)
            {
                change = V.Fma(V.All(_momentum), V.Load(c), change);
                change.Store(c);
            }

            return w - (V.All(_rate) * change);
        }
    }
}
