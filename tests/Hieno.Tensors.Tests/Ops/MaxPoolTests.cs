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
    public void A_nan_or_an_infinity_changes_its_own_channel_only()
    {
        float[] values = [.. Enumerable.Range(0, 3 * 40).Select(i => (float)(i * 7 % 11))];
        (values[40 + 3], values[80 + 3], values[17], values[40 + 33]) = (float.NaN, 100f, float.PositiveInfinity, float.NegativeInfinity);
        Tensor x = Tensor.CreateLongLived([1, 1, 3, 40]);
        x.Backend.CopyFromHost(values, x);
        x.NeedsGrad = true;
        using Tape tape = Tape.Begin();
        Tensor y = MaxPool(x, PoolSide.Sliding(1, 1, new SlidingAxis()), PoolSide.Sliding(3, 3, new SlidingAxis()));
        float[] expected = [.. Enumerable.Range(0, 40).Select(c => c == 3 ? float.NaN : Math.Max(values[c], Math.Max(values[40 + c], values[80 + c])))];
        Assert.Equal(expected, y.ToArray());
        tape.Backward(Sum(y));
        Assert.Equal(1f, x.Grad!.ToArray()[40 + 3]); // the gradient goes to the NaN itself
        Assert.Equal(40f, x.Grad!.ToArray().Sum());
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => MaxPool(t[0], PoolSide.Sliding(9, 3, s_half), PoolSide.Sliding(8, 3, s_half)), [[2, 9, 8, 37]]);

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
