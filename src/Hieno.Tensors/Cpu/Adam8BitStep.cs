using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the step of Adam with 8-bit means.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int QuantizedBlocksPerTask = ElementsPerTask / QuantizedTensor.BlockSize;

    /// <inheritdoc/>
    public override void Adam8BitStep(Tensor parameter, Tensor grad, QuantizedTensor m, QuantizedTensor v, AdamSettings settings)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(grad);
        ArgumentNullException.ThrowIfNull(settings);
        var kernel = new Adam8BitKernel(parameter.Count, (float*)parameter.Pointer, (float*)grad.Pointer, new Codes(m), new Codes(v), settings);
        For(QuantizedTensor.BlocksOf(parameter.Count), QuantizedBlocksPerTask, kernel);
        KeepAlive(parameter, grad, m.Codes, m.Scales, v.Codes, v.Scales);
    }

    private readonly struct Codes(QuantizedTensor tensor)
    {
        private readonly byte* _codes = (byte*)tensor.Codes.Pointer;
        private readonly float* _scales = (float*)tensor.Scales.Pointer;

        /// <summary>Block <paramref name="block"/> as numbers.</summary>
        public void Expand(DynamicMap map, long block, float* numbers, int length)
        {
            byte* codes = _codes + (block * QuantizedTensor.BlockSize);
            float scale = _scales[block];
            float* values = map.Values;
            for (int i = 0; i < length; i++)
            {
                numbers[i] = values[codes[i]] * scale;
            }
        }

        /// <summary>Numbers as block <paramref name="block"/>; without <paramref name="zeros"/> a positive number never becomes 0.</summary>
        public void Round(DynamicMap map, long block, float* numbers, int length, float largest, bool zeros)
        {
            byte* codes = _codes + (block * QuantizedTensor.BlockSize);
            _scales[block] = largest;
            float inverse = largest > 0 ? 1 / largest : 0;
            for (int i = 0; i < length; i++)
            {
                byte code = map.Nearest(numbers[i] * inverse);
                codes[i] = !zeros && code == map.Zero && numbers[i] > 0 ? (byte)(code + 1) : code;
            }
        }
    }

    private readonly struct Adam8BitKernel(long count, float* parameter, float* grad, Codes m, Codes v, AdamSettings settings) : IKernel
    {
        private readonly float* _parameter = parameter;
        private readonly float* _grad = grad;
        private readonly float _scale = settings.GradScale;
        private readonly AdamRule _rule = new(settings);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* means = stackalloc float[QuantizedTensor.BlockSize];
            float* squares = stackalloc float[QuantizedTensor.BlockSize];
            for (long block = start; block < end; block++)
            {
                int length = (int)Math.Min(QuantizedTensor.BlockSize, count - (block * QuantizedTensor.BlockSize));
                m.Expand(DynamicMap.Signed, block, means, length);
                v.Expand(DynamicMap.Unsigned, block, squares, length);
                (float largestMean, float largestSquare) = (0, 0);
                int done = Part<V>(block, means, squares, 0, length, ref largestMean, ref largestSquare);
                Part<Simd1>(block, means, squares, done, length, ref largestMean, ref largestSquare);
                m.Round(DynamicMap.Signed, block, means, length, largestMean, zeros: true);
                v.Round(DynamicMap.Unsigned, block, squares, length, largestSquare, zeros: false);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(long block, float* means, float* squares, int i, int length, ref float largestMean, ref float largestSquare)
            where V : unmanaged, ISimd<V>
        {
            float* ps = _parameter + (block * QuantizedTensor.BlockSize);
            float* gs = _grad + (block * QuantizedTensor.BlockSize);
            V largestM = V.Zero;
            V largestV = V.Zero;
            for (; i <= length - V.Count; i += V.Count)
            {
                _rule.Apply(V.Load(ps + i), V.Load(gs + i) * V.All(_scale), means + i, squares + i, null).Store(ps + i);
                largestM = V.Max(largestM, V.Abs(V.Load(means + i)));
                largestV = V.Max(largestV, V.Load(squares + i));
            }

            largestMean = MathF.Max(largestMean, V.MaxLane(largestM));
            largestSquare = MathF.Max(largestSquare, V.MaxLane(largestV));
            return i;
        }
    }
}
