using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Tests.Optimizers;

public sealed class GradientSubspaceTests
{
    // G = Σ σᵢ·uᵢ·vᵢᵀ with chosen σ: what the leading directions leave over is known exactly.
    [Theory]
    [InlineData(12, 40, 3)]
    [InlineData(40, 12, 3)]
    [InlineData(60, 90, 5)]
    [InlineData(90, 60, 5)]
    public void Directions_are_orthonormal_and_leave_only_the_weaker_part_of_the_gradient(int rows, int columns, int rank)
    {
        int side = Math.Min(rows, columns);
        double[] sizes = [.. Enumerable.Range(0, side).Select(i => Math.Pow(0.8, i))];
        (float[,] u, float[,] v) = (Orthonormal(rows, side, 1), Orthonormal(columns, side, 2));
        float[] g = new float[rows * columns];
        for (int i = 0; i < g.Length; i++)
        {
            g[i] = (float)Enumerable.Range(0, side).Sum(k => sizes[k] * u[i / columns, k] * v[i % columns, k]);
        }

        float[] p = GradientSubspace.Of(Tensor.FromValues([rows, columns], g), rank).ToArray();
        float[,] strong = rows <= columns ? u : v;
        for (int a = 0; a < rank; a++)
        {
            for (int b = 0; b < rank; b++)
            {
                Assert.Equal(a == b ? 1 : 0, Enumerable.Range(0, side).Sum(j => (double)p[(a * side) + j] * p[(b * side) + j]), 1e-5);
            }

            // The strongest come first: direction a has no share in the directions that are weaker than the last that is kept.
            double kept = Enumerable.Range(0, rank).Sum(k => Math.Pow(Enumerable.Range(0, side).Sum(j => (double)p[(a * side) + j] * strong[j, k]), 2));
            Assert.Equal(1, kept, 2e-3);
        }

        double first = Math.Abs(Enumerable.Range(0, side).Sum(j => (double)p[j] * strong[j, 0]));
        Assert.Equal(1, first, 1e-4);
    }

    [Fact]
    public void A_gradient_of_0_gives_directions_all_the_same()
    {
        float[] p = GradientSubspace.Of(Tensor.FromValues([20, 30], new float[600]), 4).ToArray();
        Assert.All(p, x => Assert.True(float.IsFinite(x)));
    }

    private static float[,] Orthonormal(int rows, int columns, ulong seed)
    {
        float[] noise = new float[rows * columns];
        new Rng(seed, RngStream.Initialization).FillNormal(noise, 0f, 1f, step: 0);
        double[][] vectors = [.. Enumerable.Range(0, columns).Select(c => Enumerable.Range(0, rows).Select(r => (double)noise[(r * columns) + c]).ToArray())];
        float[,] result = new float[rows, columns];
        for (int c = 0; c < columns; c++)
        {
            for (int pass = 0; pass < 2; pass++)
            {
                for (int k = 0; k < c; k++)
                {
                    double dot = vectors[c].Zip(vectors[k], (a, b) => a * b).Sum();
                    vectors[c] = [.. vectors[c].Zip(vectors[k], (a, b) => a - (dot * b))];
                }
            }

            double length = Math.Sqrt(vectors[c].Sum(x => x * x));
            for (int r = 0; r < rows; r++)
            {
                result[r, c] = (float)(vectors[c][r] / length);
            }

            vectors[c] = [.. vectors[c].Select(x => x / length)];
        }

        return result;
    }
}
