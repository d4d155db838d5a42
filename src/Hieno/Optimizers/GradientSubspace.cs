using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>The directions of a matrix's shorter side in which a gradient is largest.</summary>
internal static class GradientSubspace
{
    private const int Oversampling = 8;
    private const int Iterations = 3;

    /// <summary>The leading singular vectors of the shorter side: left ones where g has at most as many rows as columns, else right ones.</summary>
    /// <param name="g">The gradient, [rows, columns].</param>
    /// <param name="rank">How many; fewer than the shorter side has.</param>
    /// <returns>Orthonormal rows, [rank, shorter side], the strongest first.</returns>
    /// <remarks>
    /// Orthogonal iteration with g·gᵀ in 32 bits from a fixed random start, and a Rayleigh-Ritz step in 64 bits (Halko et al. 2011,
    /// <see href="https://arxiv.org/abs/0909.4061"/>, algorithm 4.4); exact up to rounding where rank + 8 directions are all there are. The official implementation computes
    /// a whole singular value decomposition.
    /// </remarks>
    public static Tensor Of(Tensor g, int rank)
    {
        bool isWide = g.Rows <= g.Columns;
        int side = isWide ? g.Rows : g.Columns;
        int width = Math.Min(side, rank + Oversampling);
        using Tape tape = Tape.Begin(record: false, backend: g.Backend);
        Tensor gram = Tensor.Create([side, side], g.Backend);
        g.Backend.MatMul(g, !isWide, g, isWide, null, gram, add: false);
        Tensor directions = Tensor.Create([width, side], g.Backend);
        Tensor images = Tensor.Create([width, side], g.Backend);
        double[] basis = width == side ? Identity(side) : Iterate(gram, directions, images);
        Write(basis, directions);
        g.Backend.MatMul(directions, false, gram, false, null, images, add: false);
        Tensor small = Tensor.Create([width, width], g.Backend);
        g.Backend.MatMul(images, false, directions, true, null, small, add: false);
        double[] turned = Rotate(basis, Array.ConvertAll(small.ToArray(), x => (double)x), width, side, rank);
        Tensor result = Tensor.CreateLongLived([rank, side], DType.F32, g.Backend);
        Write(turned, result);
        return result;
    }

    private static double[] Iterate(Tensor gram, Tensor directions, Tensor images)
    {
        (int width, int side) = (directions.Rows, directions.Columns);
        float[] noise = new float[width * side];
        new Rng(0, RngStream.Initialization).FillNormal(noise, 0f, 1f, step: 0);
        double[] basis = Array.ConvertAll(noise, x => (double)x);
        Orthonormalize(basis, width, side);
        for (int i = 0; i < Iterations; i++)
        {
            Write(basis, directions);
            gram.Backend.MatMul(directions, false, gram, false, null, images, add: false);
            basis = Array.ConvertAll(images.ToArray(), x => (double)x);
            Orthonormalize(basis, width, side);
        }

        return basis;
    }

    private static void Write(double[] values, Tensor tensor) => tensor.Backend.CopyFromHost(Array.ConvertAll(values, x => (float)x), tensor);

    // Rows become orthonormal, each in the span of itself and those before it (Gram and Schmidt, done twice). One that depends on them becomes 0.
    private static void Orthonormalize(double[] rows, int count, int length)
    {
        for (int i = 0; i < count; i++)
        {
            Span<double> row = rows.AsSpan(i * length, length);
            double before = Math.Sqrt(Dot(row, row));
            for (int pass = 0; pass < 2; pass++)
            {
                for (int k = 0; k < i; k++)
                {
                    ReadOnlySpan<double> other = rows.AsSpan(k * length, length);
                    AddScaled(row, -Dot(row, other), other);
                }
            }

            double size = Math.Sqrt(Dot(row, row));
            double factor = size > 1e-10 * before ? 1 / size : 0;
            for (int j = 0; j < length; j++)
            {
                row[j] *= factor;
            }
        }
    }

    // The rank strongest combinations of the basis: eigenvectors of the small matrix, largest eigenvalue first.
    private static double[] Rotate(double[] basis, double[] small, int width, int side, int rank)
    {
        double[] vectors = Identity(width);
        Diagonalize(small, vectors, width);
        int[] order = [.. Enumerable.Range(0, width).OrderByDescending(i => small[(i * width) + i])];
        double[] turned = new double[rank * side];
        for (int i = 0; i < rank; i++)
        {
            Span<double> row = turned.AsSpan(i * side, side);
            for (int k = 0; k < width; k++)
            {
                AddScaled(row, vectors[(order[i] * width) + k], basis.AsSpan(k * side, side));
            }
        }

        Orthonormalize(turned, rank, side); // what 32-bit products have bent
        return turned;
    }

    // Cyclic Jacobi rotations of a symmetric matrix; the rows of vectors become its eigenvectors.
    private static void Diagonalize(double[] a, double[] vectors, int n)
    {
        const int MostSweeps = 40; // some eight are enough
        for (int sweep = 0; sweep < MostSweeps; sweep++)
        {
            double scale = Enumerable.Range(0, n).Sum(i => a[(i * n) + i] * a[(i * n) + i]);
            double off = 0;
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    off += a[(p * n) + q] * a[(p * n) + q];
                    Turn(a, vectors, n, p, q);
                }
            }

            if (off <= 1e-24 * scale)
            {
                return;
            }
        }
    }

    private static void Turn(double[] a, double[] vectors, int n, int p, int q)
    {
        double apq = a[(p * n) + q];
        if (apq == 0)
        {
            return;
        }

        double theta = (a[(q * n) + q] - a[(p * n) + p]) / (2 * apq);
        double tangent = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1));
        double cosine = 1 / Math.Sqrt((tangent * tangent) + 1);
        double sine = tangent * cosine;
        for (int k = 0; k < n; k++)
        {
            (double x, double y) = (a[(k * n) + p], a[(k * n) + q]);
            (a[(k * n) + p], a[(k * n) + q]) = ((cosine * x) - (sine * y), (sine * x) + (cosine * y));
        }

        TurnRows(a, n, p, q, cosine, sine);
        TurnRows(vectors, n, p, q, cosine, sine);
    }

    private static void TurnRows(double[] m, int n, int p, int q, double cosine, double sine)
    {
        for (int k = 0; k < n; k++)
        {
            (double x, double y) = (m[(p * n) + k], m[(q * n) + k]);
            (m[(p * n) + k], m[(q * n) + k]) = ((cosine * x) - (sine * y), (sine * x) + (cosine * y));
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

    // Four lanes on every processor, so that sums do not depend on the width of its vectors.
    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var (lanes, i) = (Vector256<double>.Zero, 0);
        for (; i <= a.Length - 4; i += 4)
        {
            lanes += Vector256.Create(a[i..]) * Vector256.Create(b[i..]);
        }

        double sum = Vector256.Sum(lanes);
        for (; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static void AddScaled(Span<double> a, double factor, ReadOnlySpan<double> b)
    {
        Span<Vector<double>> wide = MemoryMarshal.Cast<double, Vector<double>>(a);
        ReadOnlySpan<Vector<double>> wideB = MemoryMarshal.Cast<double, Vector<double>>(b);
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] += factor * wideB[i];
        }

        for (int i = wide.Length * Vector<double>.Count; i < a.Length; i++)
        {
            a[i] += factor * b[i];
        }
    }
}
