using Hieno.Formats;

namespace Hieno.Metrics.Images;

/// <summary>
/// How far two sets of pictures are from each other in what a network sees: the Fréchet distance of two normal distributions,
/// |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½.
/// </summary>
/// <remarks>
/// Heusel et al. 2017, <see href="https://arxiv.org/abs/1706.08500"/>, equation 6; their FID takes Inception-v3's 2,048 pooled features. With another network it is another
/// number, so the network's name belongs to it. Covariances are unbiased, as in pytorch-fid. The trace of the root is the sum of the roots of the eigenvalues of Bᵀ Σ₂ B with
/// Σ₁ = B Bᵀ, which is symmetric; where there are fewer pictures than features, of the pictures' products with each other, so that a singular covariance needs nothing added.
/// </remarks>
public static class FrechetDistance
{
    /// <summary>Computes the distance.</summary>
    /// <param name="a">One set.</param>
    /// <param name="b">The other, by the same network.</param>
    /// <param name="warnings">Receives a line where a set has no more pictures than features; null when nobody reads them.</param>
    /// <returns>At least 0; 0 for equal sets, up to rounding.</returns>
    /// <exception cref="MetricException">The sets were made by different networks.</exception>
    public static double Compute(FeatureSet a, FeatureSet b, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Extractor != b.Extractor || a.Width != b.Width)
        {
            throw new MetricException(ErrorCodes.MetricWrongKind, "frechet-distance", $"one set has {a.Width} features of {a.Extractor}, the other {b.Width} of {b.Extractor}", "Describe both sets by one network");
        }

        if (Math.Min(a.Count, b.Count) <= a.Width)
        {
            warnings?.Add($"frechet-distance: {Math.Min(a.Count, b.Count)} pictures for {a.Width} features give a covariance that is not of full rank, which makes the distance too large.");
        }

        double apart = a.Mean().Zip(b.Mean(), (x, y) => (x - y) * (x - y)).Sum();
        double[] first = a.Centred();
        double[] second = b.Centred();
        double root = TraceOfRoot(Factor(first, a), Factor(second, b), a.Width);
        return Math.Max(0, apart + Doubles.Dot(first, first) + Doubles.Dot(second, second) - (2 * root));
    }

    // Rows whose products with themselves add up to the covariance: the pictures, or as many as there are features.
    private static double[] Factor(double[] centred, FeatureSet set)
    {
        if (set.Count <= set.Width)
        {
            return centred;
        }

        double[] columns = Transpose(centred, set.Width);
        return Transpose(Cholesky(Products(columns, set.Count, columns), set.Width), set.Width);
    }

    // The sum of the singular values of P Qᵀ, whose rows are p and q vectors of one width.
    private static double TraceOfRoot(double[] p, double[] q, int width)
    {
        (double[] fewer, double[] more) = p.Length <= q.Length ? (p, q) : (q, p);
        int side = fewer.Length / width;
        double[] cross = Products(fewer, width, more); // [side, rows of the other]
        double[] square = Products(cross, more.Length / width, cross);
        return SymmetricEigenvalues.Of(square, side).Sum(value => Math.Sqrt(Math.Max(0, value)));
    }

    // a bᵀ for rows of one width.
    private static double[] Products(double[] a, int width, double[] b)
    {
        int columns = b.Length / width;
        double[] products = new double[a.Length / width * columns];
        Parallel.For(0, a.Length / width, row =>
        {
            for (int column = 0; column < columns; column++)
            {
                products[(row * columns) + column] = Doubles.Dot(a.AsSpan(row * width, width), b.AsSpan(column * width, width));
            }
        });
        return products;
    }

    private static double[] Transpose(double[] matrix, int columns)
    {
        double[] transposed = new double[matrix.Length];
        int rows = matrix.Length / columns;
        for (int i = 0; i < matrix.Length; i++)
        {
            transposed[((i % columns) * rows) + (i / columns)] = matrix[i];
        }

        return transposed;
    }

    // The lower factor of a matrix without negative eigenvalues; a direction without variance, such as a feature that is always 0, gives a column of zeros.
    private static double[] Cholesky(double[] matrix, int n)
    {
        double[] lower = new double[matrix.Length];
        double none = 1e-14 * Enumerable.Range(0, n).Max(i => matrix[(i * n) + i]);
        for (int row = 0; row < n; row++)
        {
            var current = lower.AsSpan(row * n, n);
            for (int column = 0; column <= row; column++)
            {
                double left = matrix[(row * n) + column] - Doubles.Dot(current[..column], lower.AsSpan(column * n, column));
                current[column] = column == row ? (left > none ? Math.Sqrt(left) : 0)
                    : lower[(column * n) + column] > 0 ? left / lower[(column * n) + column]
                    : 0;
            }
        }

        return lower;
    }
}
