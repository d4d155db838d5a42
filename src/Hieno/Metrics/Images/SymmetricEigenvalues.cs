namespace Hieno.Metrics.Images;

/// <summary>The eigenvalues of a symmetric matrix in double precision.</summary>
/// <remarks>
/// Householder's reduction to three diagonals, then the QL iteration with implicit shifts: Golub and Van Loan 2013, "Matrix computations", 4th edition, sections 8.3.1
/// and 8.3.3.
/// </remarks>
internal static class SymmetricEigenvalues
{
    private const int MostIterations = 60; // two or three for each eigenvalue are usual

    /// <summary>All eigenvalues, in no order.</summary>
    /// <param name="matrix">[n, n]; only the lower triangle is read. It is overwritten.</param>
    /// <param name="n">The side.</param>
    public static double[] Of(double[] matrix, int n)
    {
        double[] diagonal = new double[n];
        double[] beside = new double[n];
        Tridiagonalize(matrix, n, diagonal, beside);
        Iterate(diagonal, beside);
        return diagonal;
    }

    // From the last row up: each reflection clears a row left of the subdiagonal, and the leading part A becomes A − v wᵀ − w vᵀ.
    private static void Tridiagonalize(double[] a, int n, double[] diagonal, double[] beside)
    {
        double[] w = new double[n];
        for (int i = n - 1; i > 0; i--)
        {
            var v = a.AsSpan(i * n, i);
            diagonal[i] = a[(i * n) + i];
            double norm = Math.Sqrt(Doubles.Dot(v, v));
            double last = v[i - 1];
            beside[i] = last > 0 ? -norm : norm;
            double length = norm * (norm + Math.Abs(last)); // |v|² / 2 after the step below
            if (length == 0)
            {
                beside[i] = last;
                continue;
            }

            v[i - 1] = last - beside[i];
            Multiply(a, n, v, w.AsSpan(0, i));
            for (int k = 0; k < i; k++)
            {
                w[k] /= length;
            }

            Doubles.AddScaled(w.AsSpan(0, i), -Doubles.Dot(v, w) / (2 * length), v);
            for (int row = 0; row < i; row++)
            {
                var target = a.AsSpan(row * n, row + 1);
                Doubles.AddScaled(target, -w[row], v);
                Doubles.AddScaled(target, -v[row], w);
            }
        }

        diagonal[0] = a[0];
    }

    // w = A v for the leading part of a matrix of which the lower triangle is there.
    private static void Multiply(double[] a, int n, ReadOnlySpan<double> v, Span<double> w)
    {
        w.Clear();
        for (int row = 0; row < v.Length; row++)
        {
            var known = a.AsSpan(row * n, row);
            w[row] += Doubles.Dot(known, v) + (a[(row * n) + row] * v[row]);
            Doubles.AddScaled(w[..row], v[row], known);
        }
    }

    private static void Iterate(double[] d, double[] beside)
    {
        const double Rounding = 2.220446049250313e-16; // of numbers near 1
        int n = d.Length;
        double[] e = [.. beside.Skip(1), 0];
        for (int first = 0; first < n; first++)
        {
            for (int iteration = 0; ; iteration++)
            {
                int end = first;
                while (end < n - 1 && Math.Abs(e[end]) > Rounding * (Math.Abs(d[end]) + Math.Abs(d[end + 1])))
                {
                    end++;
                }

                if (end == first)
                {
                    break;
                }

                if (iteration == MostIterations)
                {
                    throw new InvalidOperationException($"SymmetricEigenvalues: eigenvalue {first} of {n} was not found in {MostIterations} iterations.");
                }

                Sweep(d, e, first, end);
            }
        }
    }

    // One implicit QL step on the block from first to end, with Wilkinson's shift.
    private static void Sweep(double[] d, double[] e, int first, int end)
    {
        double half = (d[first + 1] - d[first]) / (2 * e[first]);
        double root = double.Hypot(half, 1);
        double g = d[end] - d[first] + (e[first] / (half + Math.CopySign(root, half)));
        (double sine, double cosine, double shift) = (1, 1, 0);
        for (int i = end - 1; i >= first; i--)
        {
            double f = sine * e[i];
            double b = cosine * e[i];
            root = double.Hypot(f, g);
            e[i + 1] = root;
            if (root == 0) // the block falls apart here
            {
                d[i + 1] -= shift;
                e[end] = 0;
                return;
            }

            (sine, cosine) = (f / root, g / root);
            g = d[i + 1] - shift;
            double turned = ((d[i] - g) * sine) + (2 * cosine * b);
            shift = sine * turned;
            d[i + 1] = g + shift;
            g = (cosine * turned) - b;
        }

        d[first] -= shift;
        e[first] = g;
        e[end] = 0;
    }
}
