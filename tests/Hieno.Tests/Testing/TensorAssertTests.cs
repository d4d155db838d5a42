using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Tests.Testing;

public sealed class TensorAssertTests
{
    private readonly Tensor _tensor = Tensor.FromValues([2, 3], [1f, 2f, 3f, 4f, 5f, float.NaN]);

    [Fact]
    public void Close_tensors_pass_and_a_distant_element_is_named()
    {
        TensorAssert.Close([1.0000001, 2, 3, 4, 5, double.NaN], _tensor);
        var error = Assert.Throws<TensorAssertException>(() => TensorAssert.Close([1, 2, 3, 4, 5.1, double.NaN], _tensor));
        Assert.Contains("element [1, 1] of [2, 3] is 5, expected 5.1", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 of 6 elements", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Not_a_number_and_infinity_are_close_only_to_themselves()
    {
        Assert.Throws<TensorAssertException>(() => TensorAssert.Close([1.0, 2, 3, 4, 5, 6], _tensor, absolute: 1e30));
        Assert.Throws<TensorAssertException>(() => TensorAssert.Close([1.0], Tensor.FromValues([1], [float.NaN]), absolute: 1e30));
        Assert.Throws<TensorAssertException>(() => TensorAssert.Close([1.0], Tensor.FromValues([1], [float.PositiveInfinity]), relative: 1e30));
    }

    [Fact]
    public void Identical_means_every_bit()
    {
        TensorAssert.Identical(_tensor, _tensor);
        var error = Assert.Throws<TensorAssertException>(() => TensorAssert.Identical([0f], Tensor.FromValues([1], [-0f])));
        Assert.Contains("0x80000000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Different_shapes_and_counts_are_refused()
    {
        Assert.Throws<TensorAssertException>(() => TensorAssert.Close([1.0], _tensor));
        Assert.Throws<TensorAssertException>(() => TensorAssert.Identical(_tensor, _tensor.View([3, 2])));
        Assert.Throws<TensorAssertException>(() => TensorAssert.Close(_tensor, _tensor.View([3, 2])));
    }
}
