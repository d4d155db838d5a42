using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of dropout.</summary>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Dropout(Tensor x, in DropoutMask mask, Tensor y, bool add)
    {
        var spans = new Spans(x, y);
        For(spans.Count, spans.Grain, new DropoutKernel(spans, spans.Of(x), mask, spans.Of(y), add));
        KeepAlive(x, y);
    }

    private readonly unsafe struct DropoutKernel(Spans spans, Operand x, DropoutMask mask, Operand y, bool add) : IKernel
    {
        private const int MaskLength = 256;

        private readonly ulong _threshold = mask.Threshold;
        private readonly float _scale = mask.Scale;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* factors = stackalloc float[MaskLength + 4];
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                float* xs = x.At(span);
                float* ys = y.At(span);
                for (int from = 0; from < length; from += MaskLength)
                {
                    int count = Math.Min(MaskLength, length - from);
                    ulong position = mask.Position + (ulong)((span * spans.Length) + from);
                    float* first = factors + Fill(factors, position, count);
                    int done = Part<V>(xs + from, first, ys + from, 0, count);
                    Part<Simd1>(xs + from, first, ys + from, done, count);
                }
            }
        }

        // Writes the factors of the numbers from `position` on and of up to three before it, since the generator makes four words at a
        // time; returns how many lie before.
        private int Fill(float* factors, ulong position, int count)
        {
            int before = (int)(position & 3);
            ulong block = position >> 2;
            for (int i = 0; i < before + count; i += 4, block++)
            {
                (uint a, uint b, uint c, uint d) = mask.Rng.Block(mask.Pass, block);
                factors[i] = a < _threshold ? 0f : _scale;
                factors[i + 1] = b < _threshold ? 0f : _scale;
                factors[i + 2] = c < _threshold ? 0f : _scale;
                factors[i + 3] = d < _threshold ? 0f : _scale;
            }

            return before;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* xs, float* factors, float* ys, int i, int count)
            where V : unmanaged, ISimd<V>
        {
            for (; i <= count - V.Count; i += V.Count)
            {
                V value = V.Load(xs + i) * V.Load(factors + i);
                (add ? V.Load(ys + i) + value : value).Store(ys + i);
            }

            return i;
        }
    }
}
