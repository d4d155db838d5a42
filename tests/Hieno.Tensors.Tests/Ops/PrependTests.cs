using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class PrependTests
{
    [Fact]
    public void The_head_stands_before_each_row_that_is_named()
    {
        (Tensor head, Tensor x) = (Normal([2, 5], 1), NormalWithGaps([4, 5], 2));
        Tensor[] rows = [.. Enumerable.Range(0, 4).Select(i => x.RowRange(i, 1))];
        float[] h = head.ToArray();
        TensorAssert.Identical([.. h, .. rows[0].ToArray(), .. rows[1].ToArray(), .. rows[2].ToArray(), .. h, .. rows[3].ToArray()], Prepend(head, x, [0, 3]));
        TensorAssert.Identical([.. x.ToArray(), .. h], Prepend(head, x, [4]));
        TensorAssert.Identical(x.ToArray(), Prepend(head, x, []));
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => Prepend(t[0], t[1], [0, 2, 3]), [[2, 7], [4, 7]]);
        Gradient(t => Prepend(Split(Scale(t[0], 2f), 3, 4)[1], Split(Scale(t[1], 3f), 4, 3)[0], [1]), [[2, 7], [3, 7]]);
        Gradient(t => Mul(Prepend(t[0], t[0], [0, 1]), Prepend(t[0], Scale(t[0], 2f), [1, 2])), [[2, 7]]);
    }

    [Fact]
    public void Rows_that_do_not_rise_and_different_widths_are_refused()
    {
        Assert.Throws<ShapeException>(() => Prepend(Normal([2, 7], 1), Normal([2, 6], 2), [0]));
        Assert.Throws<ArgumentException>(() => Prepend(Normal([2, 7], 1), Normal([2, 7], 2), [1, 1]));
        Assert.Throws<ArgumentException>(() => Prepend(Normal([2, 7], 1), Normal([2, 7], 2), [3]));
        Assert.Throws<ArgumentException>(() => Prepend(Normal([2, 7], 1), Normal([2, 7], 2), [-1]));
    }
}
