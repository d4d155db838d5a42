using Hieno.Testing;

namespace Hieno.Tensors.Tests.Ops;

public sealed class BlockLinearTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(5, 2)]
    [InlineData(2, 17)]
    public void Each_block_is_multiplied_by_its_own_matrix(int count, int size)
    {
        Tensor x = OpChecks.Normal([7, count * size], 1);
        Tensor blocks = OpChecks.Normal([size, count * size], 2);
        (double[] xs, double[] ms) = (x.ToDoubles(), blocks.ToDoubles());
        double[] expected = new double[7 * count * size];
        for (int i = 0; i < expected.Length; i++)
        {
            (int row, int column) = (i / (count * size), i % (count * size));
            for (int k = 0; k < size; k++)
            {
                expected[i] += xs[(row * count * size) + (column / size * size) + k] * ms[(k * count * size) + column];
            }
        }

        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(expected, Tensors.Ops.BlockLinear(x, blocks), absolute: 1e-5);
    }

    [Fact]
    public void Gradients_are_those_of_the_difference_quotients() =>
        OpChecks.Gradient(t => Tensors.Ops.BlockLinear(t[0], t[1]), [[5, 12], [4, 12]]);

    [Fact]
    public void All_widths_and_thread_counts_agree()
    {
        OpChecks.AllWidthsAgree(t => Tensors.Ops.BlockLinear(t[0], t[1]), [[33, 40], [8, 40]], absolute: 2e-5);
        OpChecks.AllThreadCountsAgree(t => Tensors.Ops.BlockLinear(t[0], t[1]), [33, 40], [8, 40]);
    }

    [Theory]
    [InlineData(3, 10)]
    [InlineData(4, 8)]
    public void Blocks_that_are_not_square_or_not_as_wide_are_refused(int rows, int columns) =>
        Assert.Throws<ShapeException>(() => Tensors.Ops.BlockLinear(OpChecks.Normal([2, 12], 1), OpChecks.Normal([rows, columns], 2)));
}
