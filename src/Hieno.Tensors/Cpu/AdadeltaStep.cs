using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Adadelta.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdadeltaStep(Tensor parameter, Tensor grad, Tensor v, Tensor u, AdadeltaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new AdadeltaRule(settings), parameter, grad, settings.GradScale, v, u);
    }

    private readonly struct AdadeltaRule(AdadeltaSettings settings) : IStepRule
    {
        private readonly float _rate = (float)settings.LearningRate;
        private readonly float _rho = (float)settings.Rho;
        private readonly float _share = (float)(1 - settings.Rho);
        private readonly float _epsilon = (float)settings.Epsilon;
        private readonly float _decay = (float)settings.WeightDecay;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            g = V.Fma(V.All(_decay), w, g);
            V square = V.Fma(V.All(_share) * g, g, V.All(_rho) * V.Load(a));
            V changes = V.Load(b);
            V change = V.Sqrt(changes + V.All(_epsilon)) / V.Sqrt(square + V.All(_epsilon)) * g;
            square.Store(a);
            V.Fma(V.All(_share) * change, change, V.All(_rho) * changes).Store(b);
            return w - (V.All(_rate) * change);
        }
    }
}
