using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class GroupNormTests
{
    [Fact]
    public void Every_group_of_every_picture_has_mean_0_and_variance_1()
    {
        double[] y = GroupNorm(Normal([3, 5, 7, 6], 1, mean: 4f, std: 3f), 2, null, null).ToDoubles();
        for (int group = 0; group < 6; group++)
        {
            double[] values = [.. Enumerable.Range(0, 35 * 6).Where(i => i % 6 / 3 == group % 2).Select(i => y[(group / 2 * 35 * 6) + i])];
            Assert.Equal(0, values.Average(), 1e-5);
            Assert.Equal(1, values.Average(value => value * value), 1e-4);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(6)]
    public void Gradients_are_those_of_central_differences(int groups)
    {
        Gradient(t => GroupNorm(t[0], groups, t[1], t[2]), [[2, 3, 4, 6], [6], [6]]);
        Gradient(t => GroupNorm(t[0], groups, null, null), [[2, 5, 6]]);
    }

    [Fact]
    public void One_group_of_a_pixel_is_layer_normalisation()
    {
        (Tensor x, Tensor gain, Tensor bias) = (Normal([4, 1, 1, 8], 1), Normal([8], 2), Normal([8], 3));
        TensorAssert.Close(LayerNorm(x, gain, bias).ToDoubles(), GroupNorm(x, 1, gain, bias), 1e-6, 1e-6);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => GroupNorm(t[0], 4, t[1], t[2]), [[2, 9, 8, 36], [36], [36]], 1e-5, 1e-5);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => GroupNorm(t[0], 4, t[1], t[2]), [2, 40, 41, 20], [20], [20]);

    [Fact]
    public void Groups_that_do_not_divide_the_channels_are_refused() => Assert.Contains(
        "4 groups do not divide the channels of x [2, 3, 3, 6]",
        Assert.Throws<ShapeException>(() => GroupNorm(Normal([2, 3, 3, 6], 1), 4, null, null)).Message);
}
