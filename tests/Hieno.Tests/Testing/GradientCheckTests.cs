using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Tests.Testing;

public sealed class GradientCheckTests
{
    [Fact]
    public void Right_gradients_pass_and_leave_the_inputs_as_they_were()
    {
        Tensor x = Tensor.FromValues([2, 2], [1f, -2f, 0.5f, 3000f]);
        Tensor unused = Tensor.FromValues([1], [1f]);
        GradientCheck.Verify(() => Ops.Mul(x, x), ("x", x), ("unused", unused));
        Assert.Equal([1f, -2f, 0.5f, 3000f], x.ToArray());
        Assert.False(x.NeedsGrad);
    }

    [Fact]
    public void A_wrong_gradient_is_named_with_both_values()
    {
        Tensor x = Tensor.FromValues([3], [1f, 2f, 3f]);
        var error = Assert.Throws<GradientMismatchException>(() => GradientCheck.Verify(() => Cheat(x), ("weights", x)));
        Assert.Equal("weights", error.Worst.Name);
        Assert.Equal(2, error.Worst.Index);
        Assert.Contains("weights, element 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(1.1, error.Worst.Analytic / error.Worst.Numeric, 1e-3);
    }

    [Fact]
    public void A_gradient_that_is_not_a_number_fails()
    {
        Tensor x = Tensor.FromValues([2], [float.NaN, 1f]);
        Assert.Throws<GradientMismatchException>(() => GradientCheck.Verify(() => Ops.Mul(x, x), ("x", x)));
    }

    [Fact]
    public void A_result_without_gradient_is_an_error()
    {
        Tensor x = Tensor.FromValues([2], [1f, 1f]);
        Assert.Throws<InvalidOperationException>(() => GradientCheck.Verify(() => Tensor.FromValues([1], [1f]), ("x", x)));
        Assert.Throws<ArgumentException>(() => GradientCheck.Verify(() => x));
    }

    // x² whose derivative of the last element is ten percent too large.
    private static Tensor Cheat(Tensor x)
    {
        float[] excess = new float[x.Count];
        excess[^1] = 0.2f * x.ToArray()[^1];
        Tensor constant = Tensor.FromValues(x.Shape, excess);
        Tensor frozen = Tensor.FromValues(x.Shape, x.ToArray());
        return Ops.Add(Ops.Mul(x, x), Ops.Mul(constant, Ops.Add(x, Ops.Scale(frozen, -1f))));
    }
}
