using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of cross-entropy.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void CrossEntropyRows(
        Tensor logits, ReadOnlySpan<int> labels, ReadOnlySpan<float> factors, float smoothing, Tensor? gradient, Span<float> losses, Span<bool> correct)
    {
        ArgumentNullException.ThrowIfNull(logits);
        fixed (int* labelPointer = labels)
        fixed (float* factorPointer = factors)
        fixed (float* lossPointer = losses)
        fixed (bool* correctPointer = correct)
        {
            var kernel = new CrossEntropyKernel(logits, labelPointer, factorPointer, smoothing, gradient, lossPointer, correctPointer);
            For(labels.Length, Math.Max(1, ElementsPerTask / Math.Max(1, logits.Columns)), kernel);
        }
        KeepAlive(logits, gradient);
    }

    /// <inheritdoc/>
    public override void AddScaled(Tensor source, Tensor factor, Tensor destination, bool add)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(factor);
        ArgumentNullException.ThrowIfNull(destination);
        float scale = *(float*)factor.Pointer;
        if (scale == 1f && !add && source.Pointer == destination.Pointer)
        {
            return;
        }

        For(source.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, source.Columns)), new AddScaledKernel(source, scale, destination, add));
        KeepAlive(source, factor, destination);
    }

    private readonly struct CrossEntropyKernel(
        Tensor logits, int* labels, float* factors, float smoothing, Tensor? gradient, float* losses, bool* correct) : IKernel
    {
        private const int BlockLength = 1024; // 4 KiB: read twice, the second time from the first-level cache

        private readonly float* _logits = (float*)logits.Pointer;
        private readonly long _stride = logits.RowStride;
        private readonly int _classes = logits.Columns;
        private readonly int* _labels = labels;
        private readonly float* _factors = factors;
        private readonly float* _gradient = gradient is null ? null : (float*)gradient.Pointer;
        private readonly long _gradientStride = gradient?.RowStride ?? 0;
        private readonly float* _losses = losses;
        private readonly bool* _correct = correct;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* zs = _logits + (row * _stride);
                float* gradients = _gradient == null ? null : _gradient + (row * _gradientStride);
                if (_labels[row] >= 0)
                {
                    Row<V>(row, zs, gradients);
                    continue;
                }

                (_losses[row], _correct[row]) = (0f, false);
                if (gradients != null)
                {
                    new Span<float>(gradients, _classes).Clear();
                }
            }
        }

        private void Row<V>(long row, float* zs, float* gradients)
            where V : unmanaged, ISimd<V>
        {
            int label = _labels[row];
            float target = zs[label]; // read before the gradient may overwrite it
            double logSum = LogSumExp<V>(zs, out int largest);
            double loss = (1 - smoothing) * (logSum - target);
            if (smoothing != 0)
            {
                double sum = 0;
                for (int k = 0; k < _classes; k++)
                {
                    sum += zs[k];
                }

                loss += smoothing * (logSum - (sum / _classes));
            }

            (_losses[row], _correct[row]) = ((float)loss, largest == label);
            if (gradients != null)
            {
                float factor = _factors[row];
                Softmax<V>(zs, (float)logSum, factor, -factor * smoothing / _classes, gradients);
                gradients[label] -= factor * (1 - smoothing);
            }
        }

        /// <summary>One pass in blocks: the sum is kept relative to the largest number so far, and rescaled when a larger one comes.</summary>
        private double LogSumExp<V>(float* zs, out int largest)
            where V : unmanaged, ISimd<V>
        {
            double sum = 0;
            float max = float.NegativeInfinity;
            largest = -1;
            for (int start = 0; start < _classes; start += BlockLength)
            {
                int count = Math.Min(BlockLength, _classes - start);
                float blockMax = Max<V>(zs + start, count);
                if (blockMax > max)
                {
                    sum *= Math.Exp((double)max - blockMax);
                    max = blockMax;
                    largest = start + new ReadOnlySpan<float>(zs + start, count).IndexOf(blockMax);
                }

                // While all were −∞ there is nothing to add. A NaN becomes ∞ in Exp, and so shows in the loss.
                if (max > float.NegativeInfinity)
                {
                    sum += SumExp<V>(zs + start, count, max);
                }
            }

            return max + Math.Log(sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Max<V>(float* zs, int count)
            where V : unmanaged, ISimd<V>
        {
            // Four at a time: each Max waits for the one before it.
            V a = V.All(float.NegativeInfinity), b = a, c = a, d = a;
            int k = 0;
            for (; k <= count - (4 * V.Count); k += 4 * V.Count)
            {
                a = V.Max(a, V.Load(zs + k));
                b = V.Max(b, V.Load(zs + k + V.Count));
                c = V.Max(c, V.Load(zs + k + (2 * V.Count)));
                d = V.Max(d, V.Load(zs + k + (3 * V.Count)));
            }

            float max = V.MaxLane(V.Max(V.Max(a, b), V.Max(c, d)));
            for (; k < count; k++)
            {
                max = zs[k] > max ? zs[k] : max;
            }

            return max;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float SumExp<V>(float* zs, int count, float max)
            where V : unmanaged, ISimd<V>
        {
            V maxes = V.All(max);
            V even = V.Zero, odd = V.Zero;
            int k = 0;
            for (; k <= count - (2 * V.Count); k += 2 * V.Count)
            {
                even += SimdMath.Exp(V.Load(zs + k) - maxes);
                odd += SimdMath.Exp(V.Load(zs + k + V.Count) - maxes);
            }

            float sum = V.Sum(even + odd);
            for (; k < count; k++)
            {
                sum += Simd1.Sum(SimdMath.Exp(Simd1.All(zs[k] - max)));
            }

            return sum;
        }

        /// <summary>destination = factor · exp(z − logSum) + offset.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Softmax<V>(float* zs, float logSum, float factor, float offset, float* destination)
            where V : unmanaged, ISimd<V>
        {
            V logSums = V.All(logSum);
            V scales = V.All(factor);
            V shifts = V.All(offset);
            int k = 0;
            for (; k <= _classes - V.Count; k += V.Count)
            {
                V.Fma(scales, SimdMath.Exp(V.Load(zs + k) - logSums), shifts).Store(destination + k);
            }

            for (; k < _classes; k++)
            {
                destination[k] = MathF.FusedMultiplyAdd(factor, Simd1.Sum(SimdMath.Exp(Simd1.All(zs[k] - logSum))), offset);
            }
        }
    }

    private readonly struct AddScaledKernel(Tensor source, float scale, Tensor destination, bool add) : IKernel
    {
        private readonly float* _source = (float*)source.Pointer;
        private readonly float* _destination = (float*)destination.Pointer;
        private readonly long _sourceStride = source.RowStride;
        private readonly long _destinationStride = destination.RowStride;
        private readonly int _columns = source.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            V scales = V.All(scale);
            for (long row = start; row < end; row++)
            {
                float* from = _source + (row * _sourceStride);
                float* to = _destination + (row * _destinationStride);
                int c = 0;
                for (; c <= _columns - V.Count; c += V.Count)
                {
                    V.Fma(scales, V.Load(from + c), add ? V.Load(to + c) : V.Zero).Store(to + c);
                }

                for (; c < _columns; c++)
                {
                    to[c] = MathF.FusedMultiplyAdd(scale, from[c], add ? to[c] : 0f);
                }
            }
        }
    }
}
