using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ConcatenateColumnsTests
{
    [Fact]
    public void Columns_stand_beside_each_other()
    {
        (Tensor a, Tensor b) = (Normal([2, 3, 5], 1), NormalWithGaps([2, 3, 4], 2));
        Tensor y = ConcatenateColumns(a, b);
        Assert.Equal("[2, 3, 9]", y.Shape.ToString());
        TensorAssert.Identical([.. Enumerable.Range(0, 6).SelectMany(row => (float[])[.. a.Row(row), .. b.Row(row)])], y);
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => ConcatenateColumns(t[0], t[1]), [[2, 3, 7], [2, 3, 4]]);
        Gradient(t => ConcatenateColumns(Scale(t[0], 2f), Reshape(Scale(t[0], 3f), t[0].Shape), t[0]), [[2, 7]]);
    }

    [Fact]
    public void Rows_that_differ_are_refused()
    {
        Assert.Contains("[3, 2] cannot stand beside [2, 2]", Assert.Throws<ShapeException>(() => ConcatenateColumns(Normal([2, 2], 1), Normal([3, 2], 2))).Message);
        Assert.Throws<ShapeException>(() => ConcatenateColumns());
    }
}
