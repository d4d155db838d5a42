using Hieno.Models;
using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class GradientClippingTests
{
    [Fact]
    public void The_norm_is_over_all_trainable_weights_that_have_a_gradient()
    {
        Parameter a = Weights.Create("a", [2], [0, 0]);
        Parameter b = Weights.Create("b", [1], [0]);
        Parameter frozen = Weights.Create("frozen", [1], [0]);
        Parameter untouched = Weights.Create("untouched", [1], [0]);
        Weights.SetGradients((a, [3, 4]), (b, [12]), (frozen, [100]), (untouched, [100]));
        frozen.Trainable = false;
        untouched.Value.ClearGrad();
        Assert.Equal(13, GradientClipping.Norm([a, b, frozen, untouched]), 1e-12);
        Assert.Equal(0, GradientClipping.Norm([untouched]));
    }

    [Fact]
    public void Only_norms_above_the_largest_are_scaled_down()
    {
        Assert.Equal(1f, GradientClipping.Scale(0.5, 1));
        Assert.Equal(1f, GradientClipping.Scale(0, 1));
        Assert.Equal(1f, GradientClipping.Scale(100, 0)); // off
        Assert.Equal(0.25f, GradientClipping.Scale(4, 1), 1e-6f);
    }

    [Fact]
    public void Large_gradients_do_not_overflow_the_norm()
    {
        Parameter weight = Weights.Create("w", [4], new float[4]);
        Weights.SetGradients((weight, [1e30f, 1e30f, 1e30f, 1e30f]));
        Assert.Equal(2e30, GradientClipping.Norm([weight]), 1e24);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void A_gradient_that_is_not_finite_makes_a_norm_that_is_not(float bad)
    {
        Parameter ill = Weights.Create("ill", [3], [0, 0, 0]);
        Weights.SetGradients((ill, [1, bad, bad]));
        Assert.False(double.IsFinite(GradientClipping.Norm([ill])));
    }
}
