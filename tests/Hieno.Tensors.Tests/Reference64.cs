namespace Hieno.Tensors.Tests;

/// <summary>Functions in double precision that .NET does not have, by methods slow and simple enough to trust.</summary>
internal static class Reference64
{
    /// <summary>erf x: its power series up to |x| = 3, the continued fraction of erfc beyond.</summary>
    public static double Erf(double x)
    {
        double t = Math.Abs(x);
        return double.IsNaN(x) ? x : Math.Sign(x) * (t < 3 ? Series(t) : 1 - Erfc(t));
    }

    /// <summary>Φ(x), without cancellation on the left.</summary>
    public static double NormalDistribution(double x)
    {
        double z = x / Math.Sqrt(2);
        return z < -3 ? 0.5 * Erfc(-z) : 0.5 * (1 + Erf(z));
    }

    // 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n + 1)): all terms are positive, nothing cancels.
    private static double Series(double x)
    {
        double term = x;
        double sum = x;
        for (int n = 1; term > 1e-18 * sum; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    // e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + …)))), evaluated from the inside.
    private static double Erfc(double x)
    {
        double fraction = x;
        for (int n = 60; n >= 1; n--)
        {
            fraction = x + (n / 2.0 / fraction);
        }

        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / fraction;
    }
}
