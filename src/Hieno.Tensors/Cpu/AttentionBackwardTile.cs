using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>What the backward pass keeps of one tile of queries while the blocks of keys pass by.</summary>
internal readonly unsafe struct AttentionBackwardTile(float* memory, int padded)
{
    private const int Lanes = AttentionTiles.Queries;

    /// <summary>Columns of a head in whole vectors.</summary>
    public int Padded { get; } = padded;

    /// <summary>The scaled queries, [D][query].</summary>
    public float* QPacked { get; } = memory;

    /// <summary>The output's gradient, [D][query].</summary>
    public float* DyPacked { get; } = memory + (padded * Lanes);

    /// <summary>The scaled queries, [query][D].</summary>
    public float* Q { get; } = memory + (2 * padded * Lanes);

    /// <summary>The output's gradient, [query][D].</summary>
    public float* Dy => Q + (Padded * Lanes);

    /// <summary>The queries' gradient so far, not yet scaled, [query][D].</summary>
    public float* SumQ => Q + (2 * Padded * Lanes);

    /// <summary>log Σ exp(score) of each lane.</summary>
    public float* LogSums => Q + (3 * Padded * Lanes);

    /// <summary>dy·y of each lane.</summary>
    public float* Deltas => LogSums + Lanes;

    /// <summary>First visible key of each lane.</summary>
    public float* Starts => LogSums + (2 * Lanes);

    /// <summary>One past the last visible key of each lane.</summary>
    public float* Ends => LogSums + (3 * Lanes);

    public static long FloatsFor(int padded) => ((5L * padded) + 4) * Lanes;

    public void Clear()
    {
        new Span<float>(SumQ, Padded * Lanes).Clear();
        new Span<float>(LogSums, 2 * Lanes).Clear();
    }
}

/// <summary>Scores and their gradients for a tile of queries and a block of keys.</summary>
internal readonly unsafe struct AttentionBackwardBlock(float* memory)
{
    private const int Lanes = AttentionTiles.Queries;
    private const int BlockFloats = AttentionTiles.KeyBlock * Lanes;

    /// <summary>Memory of one block.</summary>
    public const int Floats = 3 * BlockFloats;

    /// <summary>Scores, then probabilities as they multiply the values, [key][query].</summary>
    public float* P { get; } = memory;

    /// <summary>The gradient of the probabilities, then of the scores, [key][query].</summary>
    public float* DS { get; } = memory + BlockFloats;

    /// <summary>Factors of dropout, [key][query].</summary>
    public float* Factors { get; } = memory + (2 * BlockFloats);

    /// <summary>
    /// Finds P = exp(S − logSum) and dS = P∘(M∘dP − delta)·(1 − (S/cap)²) in place; P is left multiplied by the dropout's M.
    /// Rows up to a whole block of the product are set to zero behind the last key.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Differentiate<V>(int rows, float* logSums, float* deltas, float* factors, float cap)
        where V : unmanaged, ISimd<V>
    {
        V one = V.All(1f);
        V lowest = V.All(-cap);
        V inverseCap = V.All(cap > 0f ? 1f / cap : 0f);
        for (int lane = 0; lane < Lanes; lane += V.Count)
        {
            V logSum = V.Load(logSums + lane);
            V delta = V.Load(deltas + lane);
            for (int row = 0; row < rows; row++)
            {
                int at = (row * Lanes) + lane;
                V s = V.Load(P + at);
                V p = SimdMath.Exp(s - logSum);
                V dp = V.Load(DS + at);
                V kept = p;
                if (factors != null)
                {
                    V factor = V.Load(factors + at);
                    dp *= factor;
                    kept = p * factor;
                }

                V ds = p * (dp - delta);
                if (cap > 0f)
                {
                    // A hidden key's score is −∞; at −cap the slope is 0 as well, and the product stays a number.
                    V t = V.Max(s, lowest) * inverseCap;
                    ds *= one - (t * t);
                }

                kept.Store(P + at);
                ds.Store(DS + at);
            }
        }

        int end = AttentionTiles.RoundUpToBlock(rows);
        new Span<float>(P + (rows * Lanes), (end - rows) * Lanes).Clear();
        new Span<float>(DS + (rows * Lanes), (end - rows) * Lanes).Clear();
    }
}
