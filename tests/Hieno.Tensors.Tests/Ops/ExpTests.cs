using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ExpTests
{
    [Fact]
    public void Values_are_those_of_the_mathematics_library()
    {
        Tensor x = Normal([5, 37], 1, std: 3f);
        TensorAssert.Close([.. x.ToArray().Select(value => (float)Math.Exp(value))], Exp(x), 0, 1e-6);
    }

    [Fact]
    public void Gradient_agrees_with_differences() => Gradient(inputs => Exp(inputs[0]), [[3, 5]]);

    [Fact]
    public void Threads_and_vector_widths_do_not_matter()
    {
        AllThreadCountsAgree(inputs => Exp(inputs[0]), [7, 33]);
        AllWidthsAgree(inputs => Exp(inputs[0]), [[7, 33]], absolute: 0, relative: 1e-6);
    }
}
