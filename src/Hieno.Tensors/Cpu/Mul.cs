using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of multiplication.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Mul(Tensor a, Tensor b, Tensor y, bool add)
    {
        var spans = new Spans(a, b, y);
        For(spans.Count, spans.Grain, new MulKernel(spans, spans.Of(a), spans.Of(b), spans.Of(y), add));
        KeepAlive(a, b, y);
    }

    private readonly unsafe struct MulKernel(Spans spans, Operand a, Operand b, Operand y, bool add) : IKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(a.At(span), b.At(span), y.At(span), 0, length);
                Part<Simd1>(a.At(span), b.At(span), y.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* left, float* right, float* product, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            for (; i <= length - V.Count; i += V.Count)
            {
                V value = V.Load(left + i) * V.Load(right + i);
                (add ? V.Load(product + i) + value : value).Store(product + i);
            }

            return i;
        }
    }
}
