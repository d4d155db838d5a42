using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ElementwiseTests
{
    [Fact]
    public void Add_Mul_and_Scale_are_exact()
    {
        float[] a = Normal([5, 37], 1).ToArray();
        float[] b = Normal([5, 37], 2).ToArray();
        foreach (Func<Shape, ulong, Backend?, Tensor> make in (Func<Shape, ulong, Backend?, Tensor>[])[(s, i, d) => Normal(s, i, backend: d), NormalWithGaps])
        {
            (Tensor x, Tensor y) = (make([5, 37], 1, null), make([5, 37], 2, null));
            TensorAssert.Identical([.. a.Zip(b, (p, q) => p + q)], Add(x, y));
            TensorAssert.Identical([.. a.Zip(b, (p, q) => p * q)], Mul(x, y));
            TensorAssert.Identical([.. a.Select(p => p * -1.7f)], Scale(x, -1.7f));
        }
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => Add(t[0], t[1]), [[3, 21], [3, 21]]);
        Gradient(t => Mul(t[0], t[1]), [[3, 21], [3, 21]]);
        Gradient(t => Mul(t[0], t[0]), [[3, 21]]);
        Gradient(t => Scale(t[0], 0.3f), [[3, 21]]);
        Gradient(t => Mul(Scale(t[0], 0.3f), Add(t[1], t[0])), [[3, 21], [3, 21]]);
        Gradient(t => Reshape(Mul(t[0], t[0]), [7, 9]), [[3, 21]]);
    }

    [Fact]
    public void A_product_with_a_frozen_factor_differentiates_the_other()
    {
        Tensor frozen = Normal([3, 4], 9);
        Gradient(t => Mul(t[0], frozen), [[3, 4]]);
        Gradient(t => Mul(frozen, t[0]), [[3, 4]]);
        Assert.Null(frozen.Grad);
    }

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() =>
        AllThreadCountsAgree(t => Scale(Mul(Add(t[0], t[1]), t[0]), 0.7f), [700, 83], [700, 83]);

    [Fact]
    public void All_vector_widths_agree_bit_for_bit() =>
        AllWidthsAgree(t => Scale(Mul(Add(t[0], t[1]), t[0]), 0.7f), [[7, 83], [7, 83]], 0, 0);

    [Fact]
    public void Different_shapes_are_refused()
    {
        Assert.Throws<ShapeException>(() => Add(Normal([2, 3], 1), Normal([3, 2], 2)));
        Assert.Throws<ShapeException>(() => Mul(Normal([2, 3], 1), Normal([6], 2)));
        Assert.Throws<ShapeException>(() => Reshape(Normal([2, 3], 1), [5]));
        Assert.Throws<ArgumentException>(() => Mul(Tensor.CreateLongLived([2], DType.F16), Normal([2], 2)));
    }

    [Fact]
    public void Empty_tensors_give_empty_tensors()
    {
        Tensor empty = Tensor.CreateLongLived([0, 5]);
        Assert.Equal([0, 5], Mul(empty, empty).Shape.AsSpan().ToArray());
        Assert.Equal(0f, Sum(empty).Item());
        Assert.Empty(Softmax(empty).ToArray());
        Assert.Empty(LayerNorm(empty, null, null).ToArray());
    }
}
