using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Small dense linear algebra in double precision for what happens once, before training. Matrices are row-major.</summary>
internal static class Matrices
{
    private const int ExactUpTo = 192; // smaller side of a matrix up to which all singular values are computed
    private const int Iterations = 16;

    /// <summary>mᵀ, [columns, rows].</summary>
    public static double[] Transpose(double[] m, int rows, int columns)
    {
        double[] t = new double[m.Length];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                t[(j * rows) + i] = m[(i * columns) + j];
            }
        }

        return t;
    }

    /// <summary>a·b for a [rows, inner] and b [inner, columns].</summary>
    public static double[] Multiply(double[] a, double[] b, int rows, int inner, int columns)
    {
        double[] c = new double[rows * columns];
        for (int i = 0; i < rows; i++)
        {
            Span<double> row = c.AsSpan(i * columns, columns);
            for (int k = 0; k < inner; k++)
            {
                double factor = a[(i * inner) + k];
                ReadOnlySpan<double> other = b.AsSpan(k * columns, columns);
                for (int j = 0; j < row.Length; j++)
                {
                    row[j] += factor * other[j];
                }
            }
        }

        return c;
    }

    /// <summary>Makes the columns of q [rows, columns] orthonormal, each in the span of itself and those before it (Gram and Schmidt, done twice).</summary>
    public static void Orthonormalize(double[] q, int rows, int columns)
    {
        for (int j = 0; j < columns; j++)
        {
            for (int pass = 0; pass < 2; pass++)
            {
                for (int k = 0; k < j; k++)
                {
                    AddColumn(q, rows, columns, j, k, -Dot(q, rows, columns, j, k));
                }
            }

            double length = Math.Sqrt(Dot(q, rows, columns, j, j));
            for (int i = 0; i < rows; i++)
            {
                q[(i * columns) + j] = length > 0 ? q[(i * columns) + j] / length : 0;
            }
        }
    }

    /// <summary>The largest singular values with their vectors: u [rows, rank], s [rank], v [columns, rank].</summary>
    /// <remarks>
    /// Small matrices by one-sided Jacobi rotations; larger ones are first projected on a subspace found by power iterations from a fixed random
    /// start (Halko et al. 2011, <see href="https://arxiv.org/abs/0909.4061"/>, algorithms 4.4 and 5.1).
    /// </remarks>
    public static (double[] U, double[] S, double[] V) LeadingSingular(double[] w, int rows, int columns, int rank)
    {
        if (rows < columns)
        {
            (double[] u, double[] s, double[] v) = LeadingSingular(Transpose(w, rows, columns), columns, rows, rank);
            return (v, s, u);
        }

        int width = columns <= ExactUpTo ? columns : Math.Min(columns, (2 * rank) + 8);
        double[] basis = width == columns ? Identity(columns) : LeadingBasis(w, rows, columns, width); // [columns, width]
        double[] m = Multiply(w, basis, rows, columns, width);
        double[] rotation = Identity(width);
        Rotate(m, rotation, rows, width);
        double[] lengths = [.. Enumerable.Range(0, width).Select(j => Math.Sqrt(Dot(m, rows, width, j, j)))];
        int[] order = [.. Enumerable.Range(0, width).OrderByDescending(j => lengths[j]).Take(rank)];
        double[] vectors = Multiply(basis, rotation, columns, width, width);
        return (
            [.. Enumerable.Range(0, rows * rank).Select(i => Divide(m[((i / rank) * width) + order[i % rank]], lengths[order[i % rank]]))],
            [.. order.Select(j => lengths[j])],
            [.. Enumerable.Range(0, columns * rank).Select(i => vectors[((i / rank) * width) + order[i % rank]])]);
    }

    private static double Divide(double value, double length) => length > 0 ? value / length : 0;

    // An orthonormal basis of roughly the strongest right directions of w.
    private static double[] LeadingBasis(double[] w, int rows, int columns, int width)
    {
        float[] noise = new float[columns * width];
        new Rng(0, RngStream.Initialization).FillNormal(noise, 0f, 1f, step: 0);
        double[] basis = Array.ConvertAll(noise, value => (double)value);
        double[] transposed = Transpose(w, rows, columns);
        for (int i = 0; i < Iterations; i++)
        {
            Orthonormalize(basis, columns, width);
            basis = Multiply(transposed, Multiply(w, basis, rows, columns, width), columns, rows, width);
        }

        Orthonormalize(basis, columns, width);
        return basis;
    }

    // Turns pairs of columns of m until all are orthogonal; rotation collects the turns.
    private static void Rotate(double[] m, double[] rotation, int rows, int width)
    {
        const int MostSweeps = 60; // some ten are enough
        for (int sweep = 0; sweep < MostSweeps && Sweep(m, rotation, rows, width); sweep++)
        {
        }
    }

    private static bool Sweep(double[] m, double[] rotation, int rows, int width)
    {
        const double Orthogonal = 1e-14;
        bool turned = false;
        for (int i = 0; i < width; i++)
        {
            for (int j = i + 1; j < width; j++)
            {
                (double a, double b, double c) = (Dot(m, rows, width, i, i), Dot(m, rows, width, j, j), Dot(m, rows, width, i, j));
                if (Math.Abs(c) <= Orthogonal * Math.Sqrt(a * b))
                {
                    continue;
                }

                double zeta = (b - a) / (2 * c);
                double tangent = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(1 + (zeta * zeta)));
                double cosine = 1 / Math.Sqrt(1 + (tangent * tangent));
                Turn(m, rows, width, i, j, cosine, cosine * tangent);
                Turn(rotation, width, width, i, j, cosine, cosine * tangent);
                turned = true;
            }
        }

        return turned;
    }

    private static void Turn(double[] m, int rows, int columns, int i, int j, double cosine, double sine)
    {
        for (int row = 0; row < rows * columns; row += columns)
        {
            (double a, double b) = (m[row + i], m[row + j]);
            (m[row + i], m[row + j]) = ((cosine * a) - (sine * b), (sine * a) + (cosine * b));
        }
    }

    private static double Dot(double[] m, int rows, int columns, int i, int j)
    {
        double sum = 0;
        for (int row = 0; row < rows * columns; row += columns)
        {
            sum += m[row + i] * m[row + j];
        }

        return sum;
    }

    private static void AddColumn(double[] m, int rows, int columns, int to, int from, double factor)
    {
        for (int row = 0; row < rows * columns; row += columns)
        {
            m[row + to] += factor * m[row + from];
        }
    }

    private static double[] Identity(int size)
    {
        double[] m = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            m[(i * size) + i] = 1;
        }

        return m;
    }
}
