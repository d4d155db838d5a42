using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class LocalResponseNormTests
{
    [Fact]
    public void A_window_reaches_further_back_than_ahead_if_its_size_is_even()
    {
        Tensor y = LocalResponseNorm(Tensor.FromValues([1, 4], [1f, 2f, 3f, 4f]), size: 2, alpha: 2f, beta: 1f, k: 0f);
        TensorAssert.Close([1.0 / 1, 2.0 / 5, 3.0 / 13, 4.0 / 25], y, 1e-6, 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    public void Gradients_are_those_of_central_differences(int size) =>
        Gradient(t => LocalResponseNorm(t[0], size, alpha: 0.7f, beta: 0.75f, k: 2f), [[2, 3, 7]]);

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => LocalResponseNorm(t[0], 5, 0.5f), [[9, 37]]);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => LocalResponseNorm(t[0], 5, 0.5f), [400, 37]);

    [Fact]
    public void A_window_without_channels_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => LocalResponseNorm(Normal([2, 3], 1), 0));
}
