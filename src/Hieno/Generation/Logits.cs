using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Hieno.Generation;

/// <summary>Passes over the logits of one token, sixteen lanes at a time whatever the processor: so no result depends on its vectors' width.</summary>
internal static class Logits
{
    /// <summary>Logits that <see cref="BlockWeight"/> takes at once; the last block may be shorter.</summary>
    public const int Block = 1024;

    /// <summary>The largest logit; −∞ where no token is left, NaN where one is NaN.</summary>
    public static float Largest(ReadOnlySpan<float> logits)
    {
        float largest = float.NegativeInfinity;
        ReadOnlySpan<Vector512<float>> vectors = Vectors(logits, out ReadOnlySpan<float> rest);
        if (vectors.Length > 0)
        {
            Vector512<float> lanes = vectors[0];
            foreach (Vector512<float> vector in vectors)
            {
                lanes = Vector512.Max(lanes, vector);
            }

            for (int lane = 0; lane < Vector512<float>.Count; lane++)
            {
                largest = MathF.Max(largest, lanes[lane]);
            }
        }

        foreach (float logit in rest)
        {
            largest = MathF.Max(largest, logit);
        }

        return largest;
    }

    /// <summary>Σ e^(logit − largest): the blocks' sums, added in order in double precision.</summary>
    public static double Weight(ReadOnlySpan<float> logits, float largest)
    {
        double sum = 0;
        for (; logits.Length > Block; logits = logits[Block..])
        {
            sum += BlockWeight(logits[..Block], largest);
        }

        return sum + BlockWeight(logits, largest);
    }

    /// <summary>Σ e^(logit − largest) of one block: lane i adds up every sixteenth logit from i on; then the lanes, then what fills no vector.</summary>
    public static double BlockWeight(ReadOnlySpan<float> block, float largest)
    {
        Vector512<float> largests = Vector512.Create(largest);
        Vector512<double> lower = Vector512<double>.Zero, upper = Vector512<double>.Zero;
        ReadOnlySpan<Vector512<float>> vectors = Vectors(block, out ReadOnlySpan<float> rest);
        foreach (Vector512<float> vector in vectors)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.Exp(vector - largests));
            (lower, upper) = (lower + low, upper + high);
        }

        double sum = 0;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
        {
            sum += lower[lane] + upper[lane];
        }

        foreach (float logit in rest)
        {
            sum += MathF.Exp(logit - largest);
        }

        return sum;
    }

    /// <summary>The first logit that is NaN or +∞, or −1.</summary>
    public static int FirstInvalid(ReadOnlySpan<float> logits)
    {
        // False for NaN as well as for +∞.
        if (Largest(logits) <= float.MaxValue)
        {
            return -1;
        }

        int id = 0;
        while (logits[id] <= float.MaxValue)
        {
            id++;
        }

        return id;
    }

    /// <summary>Divides all logits.</summary>
    public static void Divide(Span<float> logits, float divisor)
    {
        Span<Vector512<float>> vectors = MemoryMarshal.Cast<float, Vector512<float>>(logits);
        foreach (ref Vector512<float> vector in vectors)
        {
            vector /= divisor;
        }

        foreach (ref float logit in logits[(vectors.Length * Vector512<float>.Count)..])
        {
            logit /= divisor;
        }
    }

    /// <summary>Rules out all tokens with a logit below <paramref name="least"/>.</summary>
    public static void KeepFrom(Span<float> logits, float least)
    {
        Span<Vector512<float>> vectors = MemoryMarshal.Cast<float, Vector512<float>>(logits);
        Vector512<float> leasts = Vector512.Create(least), none = Vector512.Create(float.NegativeInfinity);
        foreach (ref Vector512<float> vector in vectors)
        {
            vector = Vector512.ConditionalSelect(Vector512.LessThan(vector, leasts), none, vector);
        }

        foreach (ref float logit in logits[(vectors.Length * Vector512<float>.Count)..])
        {
            logit = logit < least ? float.NegativeInfinity : logit;
        }
    }

    /// <summary>The next token from <paramref name="id"/> on with a logit above <paramref name="limit"/>; the number of logits where there is none.</summary>
    public static int NextAbove(ReadOnlySpan<float> logits, int id, float limit)
    {
        // Whole vectors without such a logit are passed over; most have none.
        Vector512<float> limits = Vector512.Create(limit);
        while (id <= logits.Length - Vector512<float>.Count && !Vector512.GreaterThanAny(Vector512.Create(logits[id..]), limits))
        {
            id += Vector512<float>.Count;
        }

        while (id < logits.Length && !(logits[id] > limit))
        {
            id++;
        }

        return id;
    }

    private static ReadOnlySpan<Vector512<float>> Vectors(ReadOnlySpan<float> logits, out ReadOnlySpan<float> rest)
    {
        ReadOnlySpan<Vector512<float>> vectors = MemoryMarshal.Cast<float, Vector512<float>>(logits);
        rest = logits[(vectors.Length * Vector512<float>.Count)..];
        return vectors;
    }
}
