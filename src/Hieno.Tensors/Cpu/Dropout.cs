using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
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
            float* factors = stackalloc float[MaskLength + 16]; // room for what lies before and behind
            for (long span = start; span < end; span++)
            {
                int length = spans.LengthOf(span);
                float* xs = x.At(span);
                float* ys = y.At(span);
                for (int from = 0; from < length; from += MaskLength)
                {
                    int count = Math.Min(MaskLength, length - from);
                    ulong position = mask.Position + (ulong)((span * spans.Length) + from);
                    float* first = factors + Fill<V>(factors, position, count);
                    int done = Part<V>(xs + from, first, ys + from, 0, count);
                    Part<Simd1>(xs + from, first, ys + from, done, count);
                }
            }
        }

        // Writes the factors of the numbers from `position` on and of up to three before it, since the generator makes four words at a
        // time; returns how many lie before.
        private int Fill<V>(float* factors, ulong position, int count)
            where V : unmanaged, ISimd<V>
        {
            int before = (int)(position & 3);
            ulong block = position >> 2;
            int i = 0;
            for (; Avx2.IsSupported && V.Count >= 8 && i < before + count; i += 16, block += 4)
            {
                FourBlocks(factors + i, block);
            }

            for (; i < before + count; i += 4, block++)
            {
                (uint a, uint b, uint c, uint d) = mask.Rng.Block(mask.Pass, block);
                factors[i] = a < _threshold ? 0f : _scale;
                factors[i + 1] = b < _threshold ? 0f : _scale;
                factors[i + 2] = c < _threshold ? 0f : _scale;
                factors[i + 3] = d < _threshold ? 0f : _scale;
            }

            return before;
        }

        // The generator for four blocks at once. Each word of a block's state sits in the lower half of a 64-bit lane, where one
        // instruction gives the whole 64-bit product; what gathers in the upper halves is ignored by the multiplication.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void FourBlocks(float* to, ulong block)
        {
            var a = Vector256.Create(block, block + 1, block + 2, block + 3);
            Vector256<ulong> b = Vector256.ShiftRightLogical(a, 32);
            var c = Vector256.Create(mask.Pass);
            Vector256<ulong> d = Vector256.ShiftRightLogical(c, 32);
            var m0 = Vector256.Create(0xD2511F53ul).AsUInt32();
            var m1 = Vector256.Create(0xCD9E8D57ul).AsUInt32();
            (uint k0, uint k1) = mask.Rng.Key;
            for (int round = 0; round < 10; round++)
            {
                Vector256<ulong> p0 = Avx2.Multiply(a.AsUInt32(), m0);
                Vector256<ulong> p1 = Avx2.Multiply(c.AsUInt32(), m1);
                a = Vector256.ShiftRightLogical(p1, 32) ^ b ^ Vector256.Create((ulong)k0);
                b = p1;
                c = Vector256.ShiftRightLogical(p0, 32) ^ d ^ Vector256.Create((ulong)k1);
                d = p0;
                k0 += 0x9E3779B9u;
                k1 += 0xBB67AE85u;
            }

            // Words a and b of a block side by side in one lane, c and d in another; then the lanes of each block side by side.
            var low = Vector256.Create(0xFFFFFFFFul);
            Vector256<ulong> ab = (a & low) | Vector256.ShiftLeft(b, 32);
            Vector256<ulong> cd = (c & low) | Vector256.ShiftLeft(d, 32);
            Vector256<ulong> even = Avx2.UnpackLow(ab, cd); // blocks 0 and 2
            Vector256<ulong> odd = Avx2.UnpackHigh(ab, cd); // blocks 1 and 3
            Store(Avx2.Permute2x128(even, odd, 0x20), to);
            Store(Avx2.Permute2x128(even, odd, 0x31), to + 8);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Store(Vector256<ulong> words, float* to)
        {
            Vector256<uint> dropped = Vector256.LessThan(words.AsUInt32(), Vector256.Create((uint)Math.Min(_threshold, uint.MaxValue)));
            Vector256.AndNot(Vector256.Create(_scale).AsUInt32(), dropped).AsSingle().Store(to);
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
