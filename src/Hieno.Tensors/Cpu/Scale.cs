using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of multiplication by a constant.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Scale(Tensor x, float factor, Tensor y, bool add)
    {
        var spans = new Spans(x, y);
        For(spans.Count, spans.Grain, new ScaleKernel(spans, spans.Of(x), factor, spans.Of(y), add));
        KeepAlive(x, y);
    }

    private readonly unsafe struct ScaleKernel(Spans spans, Operand x, float factor, Operand y, bool add) : IKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(x.At(span), y.At(span), 0, length);
                Part<Simd1>(x.At(span), y.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* xs, float* ys, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            V factors = V.All(factor);
            for (; i <= length - V.Count; i += V.Count)
            {
                V value = V.Load(xs + i) * factors;
                (add ? V.Load(ys + i) + value : value).Store(ys + i);
            }

            return i;
        }
    }
}
