using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ScaleColumnsTests
{
    [Fact]
    public void Each_row_is_multiplied_by_the_factors()
    {
        Tensor x = Tensor.FromValues([2, 3], [1, 2, 3, -4, 5, 0.5f]);
        Assert.Equal([2, 0, -3, -8, 0, -0.5f], ScaleColumns(x, Tensor.FromValues([3], [2, 0, -1])).ToArray());
    }

    [Fact]
    public void Gradients_equal_central_differences() => OpChecks.Gradient(inputs => ScaleColumns(inputs[0], inputs[1]), [[5, 19], [19]]);

    [Fact]
    public void All_vector_widths_agree() => OpChecks.AllWidthsAgree(inputs => ScaleColumns(inputs[0], inputs[1]), [[130, 37], [37]]);

    [Fact]
    public void Factors_of_another_count_are_refused() => Assert.Throws<ShapeException>(() => ScaleColumns(OpChecks.Normal([2, 3], 1), OpChecks.Normal([2], 2)));
}
