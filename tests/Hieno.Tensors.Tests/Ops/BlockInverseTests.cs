using Hieno.Testing;

namespace Hieno.Tensors.Tests.Ops;

public sealed class BlockInverseTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(2, 32)]
    public void A_matrix_times_its_inverse_is_the_unit_matrix(int count, int size)
    {
        Tensor blocks = OpChecks.Normal([size, count * size], 2);
        using var tape = Tape.Begin(record: false);
        Tensor product = Tensors.Ops.BlockLinear(blocks, Tensors.Ops.BlockInverse(blocks));
        double[] expected = [.. Enumerable.Range(0, size * count * size).Select(i => i / (count * size) == i % (count * size) % size ? 1.0 : 0.0)];
        TensorAssert.Close(expected, product, absolute: 2e-4);
    }

    [Fact]
    public void A_zero_on_the_diagonal_does_no_harm()
    {
        Tensor blocks = Tensor.FromValues([2, 4], [0, 2, 4, 0, 5, 0, 0, 8]);
        TensorAssert.Close((double[])[0, 0.2, 0.25, 0, 0.5, 0, 0, 0.125], Tensors.Ops.BlockInverse(blocks), absolute: 1e-7);
    }

    [Fact]
    public void A_matrix_without_inverse_gives_numbers_that_are_not_finite() =>
        Assert.DoesNotContain(Tensors.Ops.BlockInverse(Tensor.FromValues([2, 2], [1, 2, 2, 4])).ToArray(), float.IsFinite);

    // Far from singular: the difference quotients would be rough otherwise.
    [Fact]
    public void Gradients_are_those_of_the_difference_quotients() => OpChecks.Gradient(
        t => Tensors.Ops.BlockInverse(Tensors.Ops.Add(Tensors.Ops.Scale(t[0], 0.2f), Tensor.FromValues([3, 6], [2, 0, 0, 2, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 2, 0, 0, 2]))), [[3, 6]]);

    [Fact]
    public void All_thread_counts_agree() => OpChecks.AllThreadCountsAgree(t => Tensors.Ops.BlockInverse(t[0]), [6, 30]);
}
