namespace Hieno.Optimizers;

/// <summary>Minimises a smooth function of all rows at once: for small convex problems, such as a linear probe.</summary>
/// <remarks>Nocedal and Wright, "Numerical Optimization", algorithms 7.4 and 7.5, with a step that is halved until the function falls enough.</remarks>
public static class Lbfgs
{
    private const int Memory = 10;
    private const double Enough = 1e-4; // Armijo: the share of the fall that the slope promises
    private const double Flat = 1e-5;   // the largest part of a gradient that counts as none; rounding in 32 bits is not far below

    /// <summary>Goes downhill until the gradient is all but 0, the function no longer falls, or the steps are used up.</summary>
    /// <param name="x">Where to begin; holds the lowest point found.</param>
    /// <param name="function">Given a point, fills its gradient and returns its value.</param>
    /// <param name="iterations">The most steps.</param>
    /// <returns>The steps taken.</returns>
    public static int Minimise(double[] x, Func<double[], double[], double> function, int iterations)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(function);
        var pairs = new List<(double[] S, double[] Y, double Rho)>();
        double[] gradient = new double[x.Length];
        double value = function(x, gradient);
        for (int step = 0; step < iterations; step++)
        {
            if (gradient.Max(Math.Abs) <= Flat)
            {
                return step;
            }

            double[] direction = Direction(gradient, pairs);
            double slope = Dot(direction, gradient);
            if (!(slope < 0))
            {
                pairs.Clear(); // rounding has spoiled the curvature: steepest descent from here
                direction = Array.ConvertAll(gradient, g => -g);
                slope = -Dot(gradient, gradient);
            }

            double[] next = new double[x.Length];
            double[] nextGradient = new double[x.Length];
            double length = pairs.Count == 0 ? Math.Min(1, 1 / gradient.Sum(Math.Abs)) : 1;
            if (Search(x, direction, slope, value, length, next, nextGradient, function) is not { } lower)
            {
                return step;
            }

            Remember(pairs, x, next, gradient, nextGradient);
            next.CopyTo(x, 0);
            (gradient, value) = (nextGradient, lower);
        }

        return iterations;
    }

    // The value at the first point that is low enough, or null where there is none within reach of 64-bit numbers.
    private static double? Search(
        double[] x, double[] direction, double slope, double value, double length, double[] next, double[] nextGradient, Func<double[], double[], double> function)
    {
        for (int halving = 0; halving < 30; halving++, length /= 2)
        {
            for (int i = 0; i < x.Length; i++)
            {
                next[i] = x[i] + (length * direction[i]);
            }

            double lower = function(next, nextGradient);
            if (lower <= value + (Enough * length * slope) && lower < value)
            {
                return lower;
            }
        }

        return null;
    }

    // −H·g by the two loops over the remembered steps s and changes of the gradient y; ρ = 1 / yᵀs.
    private static double[] Direction(double[] gradient, List<(double[] S, double[] Y, double Rho)> pairs)
    {
        double[] q = Array.ConvertAll(gradient, g => -g);
        double[] alpha = new double[pairs.Count];
        for (int k = pairs.Count - 1; k >= 0; k--)
        {
            alpha[k] = pairs[k].Rho * Dot(pairs[k].S, q);
            AddScaled(q, -alpha[k], pairs[k].Y);
        }

        if (pairs.Count > 0)
        {
            (_, double[] y, double rho) = pairs[^1];
            double scale = 1 / (rho * Dot(y, y));
            for (int i = 0; i < q.Length; i++)
            {
                q[i] *= scale;
            }
        }

        for (int k = 0; k < pairs.Count; k++)
        {
            AddScaled(q, alpha[k] - (pairs[k].Rho * Dot(pairs[k].Y, q)), pairs[k].S);
        }

        return q;
    }

    private static void Remember(List<(double[] S, double[] Y, double Rho)> pairs, double[] x, double[] next, double[] gradient, double[] nextGradient)
    {
        double[] s = new double[x.Length];
        double[] y = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            (s[i], y[i]) = (next[i] - x[i], nextGradient[i] - gradient[i]);
        }

        double curvature = Dot(s, y);
        if (curvature <= 1e-12 * Dot(y, y))
        {
            return; // a pair without positive curvature would turn the direction uphill
        }

        pairs.Add((s, y, 1 / curvature));
        if (pairs.Count > Memory)
        {
            pairs.RemoveAt(0);
        }
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static void AddScaled(double[] a, double factor, double[] b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            a[i] += factor * b[i];
        }
    }
}
