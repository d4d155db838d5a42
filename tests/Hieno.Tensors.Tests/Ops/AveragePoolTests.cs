using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class AveragePoolTests
{
    private static readonly SlidingAxis s_half = SlidingAxis.Padded(2, 1);

    [Fact]
    public void One_window_over_all_is_the_mean()
    {
        Tensor x = Normal([2, 5, 7, 3], 1);
        Tensor y = AveragePool(x, PoolSide.Adaptive(5, 1), PoolSide.Adaptive(7, 1));
        double[] values = x.ToDoubles();
        double[] means = [.. Enumerable.Range(0, 6).Select(i => Enumerable.Range(0, 35).Average(pixel => values[(((i / 3 * 35) + pixel) * 3) + (i % 3)]))];
        TensorAssert.Close(means, y, 1e-6, 1e-6);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gradients_are_those_of_central_differences(bool countPadding)
    {
        Gradient(t => AveragePool(t[0], PoolSide.Sliding(6, 3, s_half, true, countPadding), PoolSide.Sliding(5, 3, s_half, false, countPadding)), [[2, 6, 5, 3]]);
        Gradient(t => AveragePool(t[0], PoolSide.Adaptive(6, 4), PoolSide.Adaptive(5, 7)), [[1, 6, 5, 2]]);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => AveragePool(t[0], PoolSide.Sliding(9, 3, s_half), PoolSide.Sliding(8, 3, s_half)), [[2, 9, 8, 37]]);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() =>
        AllThreadCountsAgree(t => AveragePool(t[0], PoolSide.Sliding(40, 3, s_half), PoolSide.Sliding(41, 3, s_half)), [3, 40, 41, 20]);

    [Fact]
    public void Windows_that_do_not_fit_are_refused()
    {
        Assert.Contains("more than half of a window of 2", Assert.Throws<ShapeException>(() => PoolSide.Sliding(5, 2, SlidingAxis.Padded(1, 2))).Message);
        Assert.Contains("does not fit 3 pixels", Assert.Throws<ShapeException>(() => PoolSide.Sliding(3, 4, new SlidingAxis())).Message);
        Assert.Contains("means have none", Assert.Throws<ShapeException>(() =>
            AveragePool(Normal([1, 9, 9, 1], 1), PoolSide.Sliding(9, 3, SlidingAxis.Padded(1, 0, 2)), PoolSide.Sliding(9, 3, new SlidingAxis()))).Message);
    }
}
