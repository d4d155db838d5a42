using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the exponential function.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Exp(Tensor x, Tensor y)
    {
        var spans = new Spans(x, y);
        For(spans.Count, spans.Grain, new ExpKernel(spans, spans.Of(x), spans.Of(y)));
        KeepAlive(x, y);
    }

    private readonly unsafe struct ExpKernel(Spans spans, Operand x, Operand y) : IKernel
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
        private static int Part<V>(float* xs, float* ys, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            for (; i <= length - V.Count; i += V.Count)
            {
                SimdMath.Exp(V.Load(xs + i)).Store(ys + i);
            }

            return i;
        }
    }
}
