using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Quantisation to NF4.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int Nf4BlocksPerTask = 64;

    /// <summary>Codes of a contiguous <paramref name="source"/> of any storage type, with doubly quantised scales.</summary>
    private void QuantizeNf4(Tensor source, Tensor destination)
    {
        if (!source.IsContiguous || destination.Count == 0)
        {
            throw new NotSupportedException($"Only a contiguous tensor with numbers can be quantised; this one is {source}.");
        }

        var layout = new Nf4Layout(source.Count);
        byte* memory = (byte*)destination.Pointer;
        using Scratch scales = RentScratch(layout.Blocks);
        For(layout.Blocks, Nf4BlocksPerTask, new Nf4BlocksKernel(source, memory, scales.Pointer));
        QuantizeScales(layout, scales.Pointer, memory + layout.ScaleCodesAt, (float*)(memory + layout.SinglesAt));
    }

    // The mean of all scales is added up in their order: the same for any number of threads.
    private static void QuantizeScales(Nf4Layout layout, float* scales, byte* codes, float* singles)
    {
        double sum = 0;
        for (long block = 0; block < layout.Blocks; block++)
        {
            sum += scales[block];
        }

        float mean = singles[0] = (float)(sum / layout.Blocks);
        for (long group = 0; group < layout.ScaleBlocks; group++)
        {
            long first = group * Nf4.ScaleBlockSize;
            long end = Math.Min(layout.Blocks, first + Nf4.ScaleBlockSize);
            float largest = 0;
            for (long block = first; block < end; block++)
            {
                largest = Math.Max(largest, Math.Abs(scales[block] - mean));
            }

            singles[1 + group] = largest;
            for (long block = first; block < end; block++)
            {
                codes[block] = Nf4.ScaleCode(largest == 0 ? 0 : (scales[block] - mean) / largest);
            }
        }
    }

    /// <summary>Item i finds the scale of block i, its largest magnitude, and the codes of its numbers.</summary>
    private readonly struct Nf4BlocksKernel(Tensor source, byte* codes, float* scales) : IKernel
    {
        private readonly Matrix _source = Matrix.Of(source);
        private readonly byte* _codes = codes;
        private readonly float* _scales = scales;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* numbers = stackalloc float[Nf4.BlockSize];
            for (long block = start; block < end; block++)
            {
                long first = block * Nf4.BlockSize;
                int count = (int)Math.Min(Nf4.BlockSize, source.Count - first);
                new Span<float>(numbers, Nf4.BlockSize).Clear(); // beyond the last number: the code of 0
                GemmPack.CopyRow<V>(_source, first, numbers, count);
                float scale = _scales[block] = LargestMagnitude<V>(numbers);
                Encode<V>(numbers, scale);
                byte* to = _codes + (first / 2);
                for (int i = 0; i < count; i += 2)
                {
                    to[i / 2] = (byte)(((int)numbers[i] << 4) | (int)numbers[i + 1]);
                }
            }
        }

        private static float LargestMagnitude<V>(float* numbers)
            where V : unmanaged, ISimd<V>
        {
            V largest = V.Zero;
            for (int i = 0; i < Nf4.BlockSize; i += V.Count)
            {
                largest = V.Max(largest, V.Abs(V.Load(numbers + i)));
            }

            return V.MaxLane(largest);
        }

        // A code is the number of boundaries below number / scale.
        private static void Encode<V>(float* numbers, float scale)
            where V : unmanaged, ISimd<V>
        {
            V divisor = V.All(scale == 0 ? 1 : scale);
            for (int i = 0; i < Nf4.BlockSize; i += V.Count)
            {
                V share = V.Load(numbers + i) / divisor;
                V code = V.Zero;
                foreach (float boundary in Nf4.Boundaries)
                {
                    code += V.SelectLess(V.All(boundary), share, V.All(1), V.Zero);
                }

                code.Store(numbers + i);
            }
        }
    }
}
