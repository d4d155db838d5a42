using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ConcatenateTests
{
    [Fact]
    public void Rows_stand_below_each_other()
    {
        Tensor y = Concatenate(Normal([2, 3, 5], 1), NormalWithGaps([4, 5], 2), Normal([5], 3));
        Assert.Equal("[11, 5]", y.Shape.ToString());
        TensorAssert.Identical([.. Normal([6, 5], 1).ToArray(), .. Normal([4, 5], 2).ToArray(), .. Normal([5], 3).ToArray()], y);
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => Concatenate(t[0], t[1]), [[2, 7], [3, 7]]);
        Gradient(t => Concatenate(Scale(t[0], 2f), Scale(t[0], 3f), t[0]), [[2, 7]]);
        Gradient(t =>
        {
            Tensor inner = Scale(t[0], 2f);
            return Mul(Concatenate(inner, inner), Concatenate(inner, t[0])); // shares of one buffer must not run into each other
        }, [[2, 7]]);
    }

    [Fact]
    public void Different_widths_are_refused()
    {
        Assert.Throws<ShapeException>(() => Concatenate(Normal([2, 7], 1), Normal([2, 6], 2)));
        Assert.Throws<ShapeException>(() => Concatenate());
    }
}
