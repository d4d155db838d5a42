using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>The working memory of one tile of queries in the forward pass, and the running softmax on it.</summary>
internal readonly unsafe struct AttentionForwardTile(float* memory, int width, int padded)
{
    private const int Lanes = AttentionTiles.Queries;
    private const int BlockFloats = AttentionTiles.KeyBlock * Lanes;

    /// <summary>Columns of a head in whole vectors.</summary>
    public int Padded { get; } = padded;

    /// <summary>The scaled queries, [D][query].</summary>
    public float* Q { get; } = memory;

    /// <summary>Scores, then probabilities (without their common divisor), [key][query].</summary>
    public float* P { get; } = memory + (padded * Lanes);

    /// <summary>Factors of dropout, [key][query].</summary>
    public float* Factors { get; } = memory + (padded * Lanes) + BlockFloats;

    /// <summary>Σ p·v so far, [query][D].</summary>
    public float* Output { get; } = memory + (padded * Lanes) + (2 * BlockFloats);

    /// <summary>First visible key of each lane.</summary>
    public float* Starts => Output + (Padded * Lanes);

    /// <summary>One past the last visible key of each lane.</summary>
    public float* Ends => Starts + Lanes;

    // The largest score of each lane so far, Σ exp(score − max), and by how much the last block shrank what came before it.
    private float* Max => Ends + Lanes;

    private float* Sum => Max + Lanes;

    private float* Shrink => Sum + Lanes;

    public static long FloatsFor(int padded) => (((2L * padded) + 5) * Lanes) + (2 * BlockFloats);

    public void Clear()
    {
        // The lowest finite number rather than −∞, so that exp(−∞ − max) is 0 and not NaN for a lane that has seen no key yet.
        new Span<float>(Max, Lanes).Fill(float.MinValue);
        new Span<float>(Sum, Lanes).Clear();
        new Span<float>(Output, Padded * Lanes).Clear();
    }

    /// <summary>Scores of <paramref name="rows"/> keys become exp(score − max); sums and outputs so far are adjusted to the new maxima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Softmax<V>(int rows)
        where V : unmanaged, ISimd<V>
    {
        // Two vectors of queries at a time, so that the two chains of maxima and sums overlap.
        for (int lane = 0; lane < Lanes; lane += 2 * V.Count)
        {
            V before0 = V.Load(Max + lane);
            V before1 = V.Load(Max + lane + V.Count);
            V max0 = before0;
            V max1 = before1;
            float* at = P + lane;
            for (int row = 0; row < rows; row++, at += Lanes)
            {
                max0 = V.Max(max0, V.Load(at));
                max1 = V.Max(max1, V.Load(at + V.Count));
            }

            V sum0 = V.Zero;
            V sum1 = V.Zero;
            at = P + lane;
            for (int row = 0; row < rows; row++, at += Lanes)
            {
                V p0 = SimdMath.Exp(V.Load(at) - max0);
                V p1 = SimdMath.Exp(V.Load(at + V.Count) - max1);
                p0.Store(at);
                p1.Store(at + V.Count);
                sum0 += p0;
                sum1 += p1;
            }

            V shrink0 = SimdMath.Exp(before0 - max0);
            V shrink1 = SimdMath.Exp(before1 - max1);
            max0.Store(Max + lane);
            max1.Store(Max + lane + V.Count);
            V.Fma(V.Load(Sum + lane), shrink0, sum0).Store(Sum + lane);
            V.Fma(V.Load(Sum + lane + V.Count), shrink1, sum1).Store(Sum + lane + V.Count);
            shrink0.Store(Shrink + lane);
            shrink1.Store(Shrink + lane + V.Count);
        }

        for (int lane = 0; lane < Lanes; lane++)
        {
            if (Shrink[lane] != 1f)
            {
                V shrink = V.All(Shrink[lane]);
                float* output = Output + (lane * Padded);
                for (int c = 0; c < Padded; c += V.Count)
                {
                    (V.Load(output + c) * shrink).Store(output + c);
                }
            }
        }
    }

    /// <summary>Multiplies the probabilities by the factors of dropout; the sums keep the undropped ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Drop<V>(int rows)
        where V : unmanaged, ISimd<V>
    {
        for (int i = 0; i < rows * Lanes; i += V.Count)
        {
            (V.Load(P + i) * V.Load(Factors + i)).Store(P + i);
        }
    }

    /// <summary>Divides by the sums and writes the tile's rows of the output and the logarithms of the sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Finish<V>(int queries, float* y, long yStride, float* logSums)
        where V : unmanaged, ISimd<V>
    {
        float* inverses = Shrink; // of no use after the last block
        for (int lane = 0; lane < Lanes; lane += V.Count)
        {
            // A query that saw no key has the sum 0 and keeps it as inverse and logarithm, so that its output is 0. NaN stays NaN.
            V sum = V.Load(Sum + lane);
            V.SelectLess(V.Zero, sum, V.All(1f) / sum, sum).Store(inverses + lane);
            V.SelectLess(V.Zero, sum, V.Load(Max + lane) + SimdMath.Log(sum), sum).Store(Sum + lane);
        }

        new Span<float>(Sum, queries).CopyTo(new Span<float>(logSums, queries));
        int whole = width - (width % V.Count);
        for (int lane = 0; lane < queries; lane++, y += yStride)
        {
            float* output = Output + (lane * Padded);
            V inverse = V.All(inverses[lane]);
            for (int c = 0; c < whole; c += V.Count)
            {
                (V.Load(output + c) * inverse).Store(y + c);
            }

            for (int c = whole; c < width; c++)
            {
                y[c] = output[c] * inverses[lane];
            }
        }
    }
}
