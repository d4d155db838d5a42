using Hieno.Testing;
using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class SoftCapTests
{
    [Fact]
    public void Values_are_those_of_the_formula()
    {
        float[] points = [-1000, -31, -3, -0.01f, 0, 0.5f, 29, 500];
        TensorAssert.Close([.. points.Select(x => 30 * Math.Tanh(x / 30.0))], SoftCap(Tensor.FromValues([points.Length], points), 30f), 1e-6, 1e-6);
    }

    [Fact]
    public void Gradients_equal_central_differences() => OpChecks.Gradient(inputs => SoftCap(inputs[0], 1.5f), [[5, 19]]);

    [Fact]
    public void A_limit_of_nothing_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => SoftCap(OpChecks.Normal([2, 3], 1), 0f));
}
