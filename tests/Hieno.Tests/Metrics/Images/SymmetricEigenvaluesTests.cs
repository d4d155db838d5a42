using Hieno.Metrics.Images;
using Hieno.Tensors;

namespace Hieno.Tests.Metrics.Images;

public sealed class SymmetricEigenvaluesTests
{
    [Fact]
    public void The_second_differences_have_the_eigenvalues_of_the_formula()
    {
        // 2 on the diagonal, −1 beside it: 2 − 2 cos(kπ / (n + 1)).
        const int Side = 30;
        double[] matrix = new double[Side * Side];
        for (int i = 0; i < Side; i++)
        {
            matrix[(i * Side) + i] = 2;
            if (i > 0)
            {
                matrix[(i * Side) + i - 1] = -1;
            }
        }

        double[] values = [.. SymmetricEigenvalues.Of(matrix, Side).Order()];
        for (int k = 1; k <= Side; k++)
        {
            Assert.Equal(2 - (2 * Math.Cos(k * Math.PI / (Side + 1))), values[k - 1], 1e-13);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(64)]
    public void Power_sums_of_the_eigenvalues_are_the_traces_of_powers(int side)
    {
        float[] noise = new float[side * side];
        new Rng(3, RngStream.Initialization).FillNormal(noise, 0, 1, 0);
        double[] matrix = new double[side * side];
        for (int i = 0; i < matrix.Length; i++)
        {
            matrix[i] = noise[i] + noise[((i % side) * side) + (i / side)];
        }

        double[] power = [.. matrix];
        double[] values = SymmetricEigenvalues.Of([.. matrix], side);
        for (int k = 1; k <= 4; k++)
        {
            double trace = Enumerable.Range(0, side).Sum(i => power[(i * side) + i]);
            Assert.Equal(trace, values.Sum(value => Math.Pow(value, k)), 1e-10 * Math.Max(1, values.Sum(value => Math.Pow(Math.Abs(value), k))));
            power = Hieno.Tuning.Matrices.Multiply(power, matrix, side, side, side);
        }
    }

    [Fact]
    public void Blocks_that_fall_apart_and_equal_eigenvalues_are_found()
    {
        Assert.Equal([0, 0, 0], SymmetricEigenvalues.Of(new double[9], 3));
        Assert.Equal([1, 1, 4, 4], SymmetricEigenvalues.Of([4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1], 4).Order());
        Assert.Equal([0, 0, 0, 4], SymmetricEigenvalues.Of([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 4).Order().Select(value => Math.Round(value, 12) + 0.0));
    }
}
