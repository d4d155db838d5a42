namespace Hieno.Generation;

/// <summary>Sums over the logits of one token.</summary>
internal static class Logits
{
    /// <summary>The largest logit; −∞ where no token is left.</summary>
    public static float Largest(ReadOnlySpan<float> logits)
    {
        float largest = float.NegativeInfinity;
        foreach (float logit in logits)
        {
            largest = MathF.Max(largest, logit);
        }

        return largest;
    }

    /// <summary>Σ e^(logit − largest), added in order in double precision, so that it does not depend on the vectors' width.</summary>
    public static double Weight(ReadOnlySpan<float> logits, float largest)
    {
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += MathF.Exp(logit - largest);
        }

        return sum;
    }

    /// <summary>The first logit that is NaN or +∞, or −1.</summary>
    public static int FirstInvalid(ReadOnlySpan<float> logits)
    {
        for (int id = 0; id < logits.Length; id++)
        {
            // False for NaN as well as for +∞.
            if (!(logits[id] <= float.MaxValue))
            {
                return id;
            }
        }

        return -1;
    }
}
