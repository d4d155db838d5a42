using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Rprop.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void RpropStep(Tensor parameter, Tensor grad, Tensor last, Tensor size, RpropSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        StepEach(new RpropRule(settings), parameter, grad, settings.GradScale, last, size);
    }

    private readonly struct RpropRule(RpropSettings settings) : IStepRule
    {
        private readonly float _rate = (float)settings.LearningRate;
        private readonly float _shrink = (float)settings.Shrink;
        private readonly float _grow = (float)settings.Grow;
        private readonly float _least = (float)settings.Least;
        private readonly float _most = (float)settings.Most;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>
        {
            V agreement = Sign(g) * Sign(V.Load(a)); // of signs, because a product of small gradients would vanish
            V factor = V.SelectLess(V.Zero, agreement, V.All(_grow), V.SelectLess(agreement, V.Zero, V.All(_shrink), V.All(1f)));
            V size = V.Min(V.All(_most), V.Max(V.All(_least), V.Load(b) * factor));
            size.Store(b);
            g = V.SelectLess(agreement, V.Zero, V.Zero, g);
            g.Store(a);
            return w - (V.All(_rate) * size * Sign(g));
        }
    }
}
