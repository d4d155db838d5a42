using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ScaleRowsTests
{
    [Fact]
    public void Each_row_is_multiplied_by_its_factor()
    {
        Tensor x = Tensor.FromValues([2, 3], [1, 2, 3, -4, 5, 0.5f]);
        Assert.Equal([2, 4, 6, 4, -5, -0.5f], ScaleRows(x, Tensor.FromValues([2, 1], [2, -1])).ToArray());
    }

    [Fact]
    public void Gradients_equal_central_differences() => OpChecks.Gradient(inputs => ScaleRows(inputs[0], inputs[1]), [[5, 19], [5, 1]]);

    [Fact]
    public void All_vector_widths_agree() => OpChecks.AllWidthsAgree(inputs => ScaleRows(inputs[0], inputs[1]), [[130, 37], [130, 1]], 4e-6, 4e-6);

    [Fact]
    public void All_numbers_of_threads_agree() => OpChecks.AllThreadCountsAgree(inputs => ScaleRows(inputs[0], inputs[1]), [700, 37], [700, 1]);

    [Fact]
    public void Factors_of_another_count_are_refused() => Assert.Throws<ShapeException>(() => ScaleRows(OpChecks.Normal([2, 3], 1), OpChecks.Normal([3, 1], 2)));
}
