using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>How optimizers that treat each number by itself run: one kernel, and a rule for each of them.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <summary>What an optimizer does to each weight.</summary>
    private interface IStepRule
    {
        /// <summary>Steps as many weights as a vector has lanes.</summary>
        /// <param name="w">The weights.</param>
        /// <param name="g">Their gradients, scaled.</param>
        /// <param name="a">What is remembered of them, read and written in place.</param>
        /// <param name="b">The same of a second kind; null where there is none.</param>
        /// <param name="c">The same of a third kind; null where there is none.</param>
        /// <returns>The new weights.</returns>
        V Apply<V>(V w, V g, float* a, float* b, float* c)
            where V : unmanaged, ISimd<V>;
    }

    private void StepEach<TRule>(TRule rule, Tensor parameter, Tensor grad, float gradScale, Tensor? a, Tensor? b = null, Tensor? c = null)
        where TRule : struct, IStepRule
    {
        var spans = new Spans(parameter, grad, a, b, c);
        For(spans.Count, spans.Grain, new StepKernel<TRule>(rule, spans, spans.Of(parameter), spans.Of(grad), gradScale, spans.Of(a), spans.Of(b), spans.Of(c)));
        KeepAlive(parameter, grad, a, b, c);
    }

    /// <summary>−1, 0 or 1, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Sign<V>(V x)
        where V : unmanaged, ISimd<V> =>
        V.SelectLess(V.Zero, x, V.All(1f), V.SelectLess(x, V.Zero, V.All(-1f), V.Zero));

    private readonly struct StepKernel<TRule>(TRule rule, Spans spans, Operand parameter, Operand grad, float gradScale, Operand a, Operand b, Operand c) : IKernel
        where TRule : struct, IStepRule
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int done = Part<V>(span, 0);
                Part<Simd1>(span, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(long span, int i)
            where V : unmanaged, ISimd<V>
        {
            int length = spans.LengthOf(span);
            float* ps = parameter.At(span);
            float* gs = grad.At(span);
            float* first = a.IsPresent ? a.At(span) : null;
            float* second = b.IsPresent ? b.At(span) : null;
            float* third = c.IsPresent ? c.At(span) : null;
            V scale = V.All(gradScale);
            for (; i <= length - V.Count; i += V.Count)
            {
                rule.Apply(V.Load(ps + i), V.Load(gs + i) * scale, first + i, second == null ? null : second + i, third == null ? null : third + i).Store(ps + i);
            }

            return i;
        }
    }
}
