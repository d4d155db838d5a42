using Hieno.Tuning;

namespace Hieno.Merging;

/// <summary>Makes one pair of the pairs that several adapters have at one layer.</summary>
internal static class PairMerge
{
    /// <summary>Combines pairs of one size; the scale of the result is 1.</summary>
    /// <exception cref="MergeException">The factors have different ranks, where the form needs equal ones.</exception>
    public static LoRAPair Combine(IReadOnlyList<(LoRAPair Pair, double Weight)> pairs, AdapterMergeOptions options) => options.Form switch
    {
        AdapterForm.Concatenated => Concatenate(pairs, options.Rule.Scale),
        AdapterForm.Factors => Factors(pairs, options.Rule),
        _ => Products(pairs, options),
    };

    /// <summary>A = [λw₁s₁A₁; λw₂s₂A₂; …], B = [B₁, B₂, …].</summary>
    public static LoRAPair Concatenate(IReadOnlyList<(LoRAPair Pair, double Weight)> pairs, double scale)
    {
        LoRAPair first = pairs[0].Pair;
        int rank = pairs.Sum(item => item.Pair.Rank);
        double[] b = new double[first.Out * rank];
        int column = 0;
        foreach ((LoRAPair pair, _) in pairs)
        {
            for (int row = 0; row < first.Out; row++)
            {
                pair.B.AsSpan(row * pair.Rank, pair.Rank).CopyTo(b.AsSpan((row * rank) + column));
            }

            column += pair.Rank;
        }

        return first with { A = [.. pairs.SelectMany(item => item.Pair.A.Select(value => scale * item.Weight * item.Pair.Scale * value))], B = b, Rank = rank, Scale = 1 };
    }

    // B's get √|ws| and A's the same with the sign, so that each adapter's own product comes out as w·s·BA.
    private static LoRAPair Factors(IReadOnlyList<(LoRAPair Pair, double Weight)> pairs, MergeOptions rule)
    {
        LoRAPair first = pairs[0].Pair;
        if (pairs.FirstOrDefault(item => item.Pair.Rank != first.Rank).Pair is { } other)
        {
            throw new MergeException(first.Path, $"one adapter has rank {first.Rank} here, another {other.Rank}, so their factors cannot be added", "Concatenate them ('cat'), or combine their products ('svd')");
        }

        double[] roots = [.. pairs.Select(item => Math.Sqrt(Math.Abs(item.Weight * item.Pair.Scale)))];
        double[] signed = [.. pairs.Select((item, i) => Math.Sign(item.Weight * item.Pair.Scale) * roots[i])];
        MergeOptions unscaled = rule with { Scale = 1 };
        double[] a = Apply(unscaled, first.NameA, signed, [.. pairs.Select(item => item.Pair.A)]);
        return first with { A = Array.ConvertAll(a, value => rule.Scale * value), B = Apply(unscaled, first.NameB, roots, [.. pairs.Select(item => item.Pair.B)]), Scale = 1 };
    }

    private static LoRAPair Products(IReadOnlyList<(LoRAPair Pair, double Weight)> pairs, AdapterMergeOptions options)
    {
        LoRAPair first = pairs[0].Pair;
        int rank = Math.Min(options.Rank ?? pairs.Max(item => item.Pair.Rank), Math.Min(first.In, first.Out));
        if (options.Rule.Method == MergeMethod.Linear)
        {
            LoRAPair sum = Concatenate(pairs, options.Rule.Scale);
            return sum.Rank <= Math.Min(sum.In, sum.Out) ? SplitThin(sum, rank) : Split(first, sum.Product(1), rank);
        }

        double[] weights = [.. pairs.Select(item => item.Weight)];
        return Split(first, Apply(options.Rule, first.NameA, weights, [.. pairs.Select(item => item.Pair.Product(1))]), rank);
    }

    private static double[] Apply(MergeOptions rule, string name, double[] weights, double[][] changes)
    {
        float[][] rounded = Array.ConvertAll(changes, change => Array.ConvertAll(change, value => (float)value));
        double[] result = new double[rounded[0].Length];
        var merge = new ChangeMerge(rule, name, result.Length, weights, (index, start, into) => rounded[index].AsSpan((int)start, into.Length).CopyTo(into));
        for (int start = 0; start < result.Length; start += ChangeMerge.Piece)
        {
            merge.Next(start, result.AsSpan(start, Math.Min(ChangeMerge.Piece, result.Length - start)));
        }

        return result;
    }

    // The singular values of BA without BA: B = Qb·Rb, Aᵀ = Qa·Ra, and Rb·Raᵀ is only [R, R].
    private static LoRAPair SplitThin(LoRAPair sum, int rank)
    {
        double[] transposed = Matrices.Transpose(sum.A, sum.Rank, sum.In);
        (double[] qb, double[] rb) = Factor(sum.B, sum.Out, sum.Rank);
        (double[] qa, double[] ra) = Factor(transposed, sum.In, sum.Rank);
        double[] core = Matrices.Multiply(rb, Matrices.Transpose(ra, sum.Rank, sum.Rank), sum.Rank, sum.Rank, sum.Rank);
        int kept = Math.Min(rank, sum.Rank);
        (double[] u, double[] s, double[] v) = Matrices.LeadingSingular(core, sum.Rank, sum.Rank, kept);
        return Pair(sum, Matrices.Multiply(qb, u, sum.Out, sum.Rank, kept), s, Matrices.Multiply(qa, v, sum.In, sum.Rank, kept), kept);
    }

    private static (double[] Q, double[] R) Factor(double[] m, int rows, int columns)
    {
        double[] q = [.. m];
        Matrices.Orthonormalize(q, rows, columns);
        return (q, Matrices.Multiply(Matrices.Transpose(q, rows, columns), m, columns, rows, columns));
    }

    private static LoRAPair Split(LoRAPair like, double[] change, int rank)
    {
        (double[] u, double[] s, double[] v) = Matrices.LeadingSingular(change, like.Out, like.In, rank);
        return Pair(like, u, s, v, rank);
    }

    // B = U·S, A = Vᵀ, as PEFT splits them.
    private static LoRAPair Pair(LoRAPair like, double[] u, double[] s, double[] v, int rank) => like with
    {
        A = Matrices.Transpose(v, like.In, rank),
        B = [.. u.Select((value, i) => value * s[i % rank])],
        Rank = rank,
        Scale = 1,
    };
}

/// <summary>Adds up how far merged pairs lie from the weighted sums, without forming a product of the layer's size.</summary>
internal sealed class PairDistance
{
    private double _difference;
    private double _sum;

    /// <summary>‖merged − sum‖ / ‖sum‖; rounding leaves up to 1e-8.</summary>
    public double Relative => _sum > 0 ? Math.Sqrt(_difference / _sum) : 0;

    public void Add(IReadOnlyList<(LoRAPair Pair, double Weight)> pairs, LoRAPair merged, double scale)
    {
        LoRAPair sum = PairMerge.Concatenate(pairs, scale);
        _sum += SquaredNorm(sum);
        _difference += Math.Max(0, SquaredNorm(PairMerge.Concatenate([(sum, 1), (merged, -1)], 1)));
    }

    // ‖BA‖² = Σ (BᵀB ∘ AAᵀ).
    private static double SquaredNorm(LoRAPair pair)
    {
        double[] gramB = Matrices.Multiply(Matrices.Transpose(pair.B, pair.Out, pair.Rank), pair.B, pair.Rank, pair.Out, pair.Rank);
        double[] gramA = Matrices.Multiply(pair.A, Matrices.Transpose(pair.A, pair.Rank, pair.In), pair.Rank, pair.In, pair.Rank);
        return gramB.Zip(gramA, (b, a) => b * a).Sum();
    }
}
