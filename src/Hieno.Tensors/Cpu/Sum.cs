using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the sum over all numbers.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Sum(Tensor x, double scale, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        var spans = new Spans(x);
        using Scratch partials = RentScratch(2L * spans.Tasks); // one double a task
        For(spans.Count, spans.Grain, new SumKernel(spans, spans.Of(x), (double*)partials.Pointer));
        *(float*)y.Pointer = (float)(SumOfTasks((double*)partials.Pointer, spans.Tasks) * scale);
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void SumBackward(Tensor dy, float scale, Tensor dx, bool add)
    {
        ArgumentNullException.ThrowIfNull(dy);
        var spans = new Spans(dx);
        For(spans.Count, spans.Grain, new AddConstantKernel(spans, *(float*)dy.Pointer * scale, spans.Of(dx), add));
        KeepAlive(dy, dx);
    }

    private readonly struct SumKernel(Spans spans, Operand x, double* partials) : IKernel
    {
        private readonly double* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            double sum = 0;
            for (long span = start; span < end; span++)
            {
                sum += RowSum<V>(x.At(span), spans.LengthOf(span));
            }

            _partials[chunk] = sum;
        }
    }

    private readonly struct AddConstantKernel(Spans spans, float value, Operand y, bool add) : IKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(y.At(span), 0, length);
                Part<Simd1>(y.At(span), done, length);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* ys, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            V values = V.All(value);
            for (; i <= length - V.Count; i += V.Count)
            {
                (add ? V.Load(ys + i) + values : values).Store(ys + i);
            }

            return i;
        }
    }
}
