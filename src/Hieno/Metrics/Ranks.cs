namespace Hieno.Metrics;

// Orders of numbers, and what is computed from them.
internal static class Ranks
{
    /// <summary>The rank of each value, counted from 1; equal values share the mean of their ranks.</summary>
    public static double[] MidRanks(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);

        var ranks = new double[sorted.Length];
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start])
            {
                end++;
            }

            // Places start + 1 … end are shared; their mean is (start + 1 + end) / 2.
            for (int i = start; i < end; i++)
            {
                ranks[order[i]] = (start + 1 + end) / 2.0;
            }

            start = end;
        }

        return ranks;
    }

    /// <summary>P(score of a positive row > that of a negative one) + ½P(equal); NaN where either kind is absent.</summary>
    public static double Auc(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        double[] ranks = MidRanks(scores);
        (double rankSum, long positives) = (0, 0);
        for (int row = 0; row < ranks.Length; row++)
        {
            if (positive[row])
            {
                rankSum += ranks[row];
                positives++;
            }
        }

        long negatives = ranks.Length - positives;
        return positives == 0 || negatives == 0
            ? double.NaN
            : (rankSum - (positives * (positives + 1) / 2.0)) / ((double)positives * negatives);
    }

    /// <summary>Σ (Rₙ − Rₙ₋₁)Pₙ over the distinct scores, from the highest down; NaN where no row is positive.</summary>
    public static double AveragePrecision(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        double[] sorted = scores.ToArray();
        bool[] relevant = positive.ToArray();
        Array.Sort(sorted, relevant);

        (double sum, long found, long seen) = (0, 0, 0);
        for (int end = sorted.Length; end > 0;)
        {
            int start = end - 1;
            while (start > 0 && sorted[start - 1] == sorted[end - 1])
            {
                start--;
            }

            long gained = relevant.AsSpan(start, end - start).Count(true);
            found += gained;
            seen += end - start;
            sum += gained * ((double)found / seen);
            end = start;
        }

        return sum / found; // 0 / 0 is NaN
    }
}
