using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels that measure a whole tensor.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override double SquaredNorm(Tensor x)
    {
        var spans = new Spans(x);
        using Scratch partials = RentScratch(2L * spans.Tasks); // one double a task
        For(spans.Count, spans.Grain, new SquaredNormKernel(spans, spans.Of(x), (double*)partials.Pointer));
        KeepAlive(x);
        return SumOfTasks((double*)partials.Pointer, spans.Tasks);
    }

    /// <inheritdoc/>
    public override long CountNonFinite(Tensor x)
    {
        var spans = new Spans(x);
        using Scratch partials = RentScratch(2L * spans.Tasks);
        For(spans.Count, spans.Grain, new NonFiniteKernel(spans, spans.Of(x), (double*)partials.Pointer));
        KeepAlive(x);
        return (long)SumOfTasks((double*)partials.Pointer, spans.Tasks);
    }

    /// <summary>The partial results of all tasks, always in the same order.</summary>
    private static double SumOfTasks(double* partials, int tasks)
    {
        double sum = 0;
        for (int task = 0; task < tasks; task++)
        {
            sum += partials[task];
        }

        return sum;
    }

    private readonly struct SquaredNormKernel(Spans spans, Operand x, double* partials) : IKernel
    {
        // Between these limits no square of a block that matters to its sum is subnormal or infinite.
        private const float Least = 1e-25f;
        private const float Most = 1e37f;

        private readonly double* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            double sum = 0;
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                float single = Squares<V>(x.At(span), length);
                bool isSafe = single == 0f || (single >= Least && single <= Most); // what vanishes altogether is below 1e-40
                sum += isSafe ? single : Squares(x.At(span), length);
            }

            _partials[chunk] = sum;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static float Squares<V>(float* xs, int length)
            where V : unmanaged, ISimd<V>
        {
            V lanes = V.Zero;
            int i = 0;
            for (; i <= length - V.Count; i += V.Count)
            {
                V value = V.Load(xs + i);
                lanes = V.Fma(value, value, lanes);
            }

            float sum = V.Sum(lanes);
            for (; i < length; i++)
            {
                sum += xs[i] * xs[i];
            }

            return sum;
        }

        private static double Squares(float* xs, int length)
        {
            double sum = 0;
            for (int i = 0; i < length; i++)
            {
                sum += (double)xs[i] * xs[i];
            }

            return sum;
        }
    }

    private readonly struct NonFiniteKernel(Spans spans, Operand x, double* partials) : IKernel
    {
        private readonly double* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            double sum = 0;
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                int done = Part<V>(x.At(span), ref sum, 0, length);
                Part<Simd1>(x.At(span), ref sum, done, length);
            }

            _partials[chunk] = sum;
        }

        // A comparison with NaN is false, so that NaN counts as well.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Part<V>(float* xs, ref double sum, int i, int length)
            where V : unmanaged, ISimd<V>
        {
            V count = V.Zero;
            for (; i <= length - V.Count; i += V.Count)
            {
                count += V.SelectLess(V.Abs(V.Load(xs + i)), V.All(float.PositiveInfinity), V.Zero, V.All(1f));
            }

            sum += V.Sum(count);
            return i;
        }
    }
}
