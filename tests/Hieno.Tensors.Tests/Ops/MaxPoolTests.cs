using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class MaxPoolTests
{
    private static readonly SlidingAxis s_half = SlidingAxis.Padded(2, 1);

    [Fact]
    public void The_first_of_equal_numbers_receives_the_gradient()
    {
        Tensor x = Tensor.CreateLongLived([1, 2, 2, 1]);
        x.NeedsGrad = true;
        using Tape tape = Tape.Begin();
        tape.Backward(Sum(MaxPool(x, PoolSide.Sliding(2, 2, new SlidingAxis(2)), PoolSide.Sliding(2, 2, new SlidingAxis(2)))));
        Assert.Equal([1f, 0f, 0f, 0f], x.Grad!.ToArray());
    }

    [Fact]
    public void A_nan_is_the_largest()
    {
        Tensor x = Tensor.FromValues([1, 1, 4, 1], [1f, float.NaN, 5f, 2f]);
        Assert.Equal([float.NaN, 5f], MaxPool(x, PoolSide.Sliding(1, 1, new SlidingAxis()), PoolSide.Sliding(4, 2, new SlidingAxis(2))).ToArray());
    }

    [Fact]
    public void Gradients_are_those_of_central_differences() =>
        Gradient(t => MaxPool(t[0], PoolSide.Sliding(6, 3, s_half), PoolSide.Sliding(5, 3, s_half)), [[2, 6, 5, 3]], new GradientCheckOptions { Step = 1f / 4096, Tolerance = 5e-3 });

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() =>
        AllThreadCountsAgree(t => MaxPool(t[0], PoolSide.Sliding(40, 3, s_half), PoolSide.Sliding(41, 3, s_half)), [3, 40, 41, 20]);

    [Fact]
    public void A_picture_of_another_size_is_refused() => Assert.Contains(
        "x has shape [1, 4, 4, 1], expected [N, 6, 6, C]",
        Assert.Throws<ShapeException>(() => MaxPool(Normal([1, 4, 4, 1], 1), PoolSide.Adaptive(6, 2), PoolSide.Adaptive(6, 2))).Message);
}
