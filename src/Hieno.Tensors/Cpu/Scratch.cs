using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Working memory of kernels, and the ordered sum of partial results.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Pooled working memory for the duration of one kernel.</summary>
    internal readonly ref struct Scratch(CpuBackend backend, nint block, long bytes)
    {
        /// <summary>The first element; null when none was asked for.</summary>
        public float* Pointer { get; } = (float*)block;

        public void Dispose()
        {
            if (block != 0)
            {
                backend.Return(block, bytes);
            }
        }
    }

    /// <summary>Working memory of <paramref name="count"/> singles with undefined content; none at all for 0.</summary>
    internal Scratch RentScratch(long count) =>
        count == 0 ? new Scratch(this, 0, 0) : new Scratch(this, _pool.Rent(count * sizeof(float)), count * sizeof(float));

    /// <summary>destination (+)= the sum of <paramref name="chunks"/> rows of <paramref name="columns"/> numbers, always in the same order.</summary>
    internal void SumPartials(float* partials, int chunks, int columns, float* destination, bool add) =>
        For(columns, 128, new SumPartialsKernel(partials, chunks, columns, destination, add));

    /// <summary>sum[c] += a[c] · b[c] · scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void AddScaledProduct<V>(float* a, float* b, float scale, float* sum, int columns)
        where V : unmanaged, ISimd<V>
    {
        V scales = V.All(scale);
        int c = 0;
        for (; c <= columns - V.Count; c += V.Count)
        {
            V.Fma(V.Load(a + c) * scales, V.Load(b + c), V.Load(sum + c)).Store(sum + c);
        }

        for (; c < columns; c++)
        {
            sum[c] += a[c] * scale * b[c];
        }
    }

    /// <summary>Σ a[c]: four vectors of partial sums, which are faster and err less than one, then the numbers that fill no vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float RowSum<V>(float* a, int columns)
        where V : unmanaged, ISimd<V>
    {
        V s0 = V.Zero;
        V s1 = V.Zero;
        V s2 = V.Zero;
        V s3 = V.Zero;
        int c = 0;
        for (; c <= columns - (4 * V.Count); c += 4 * V.Count)
        {
            s0 += V.Load(a + c);
            s1 += V.Load(a + c + V.Count);
            s2 += V.Load(a + c + (2 * V.Count));
            s3 += V.Load(a + c + (3 * V.Count));
        }

        for (; c <= columns - V.Count; c += V.Count)
        {
            s0 += V.Load(a + c);
        }

        float sum = V.Sum(s0 + s1 + (s2 + s3));
        for (; c < columns; c++)
        {
            sum += a[c];
        }

        return sum;
    }

    private readonly struct SumPartialsKernel(float* partials, int chunks, int columns, float* destination, bool add) : IKernel
    {
        private readonly float* _partials = partials;
        private readonly float* _destination = destination;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            long c = start;
            for (; c <= end - V.Count; c += V.Count)
            {
                V sum = add ? V.Load(_destination + c) : V.Zero;
                for (int row = 0; row < chunks; row++)
                {
                    sum += V.Load(_partials + ((long)row * columns) + c);
                }

                sum.Store(_destination + c);
            }

            for (; c < end; c++)
            {
                float sum = add ? _destination[c] : 0f;
                for (int row = 0; row < chunks; row++)
                {
                    sum += _partials[((long)row * columns) + c];
                }

                _destination[c] = sum;
            }
        }
    }
}
