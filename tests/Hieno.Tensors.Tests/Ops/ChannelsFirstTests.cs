using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ChannelsFirstTests
{
    [Fact]
    public void Pixels_of_a_channel_stand_together() => Assert.Equal(
        [1f, 3f, 5f, 7f, 2f, 4f, 6f, 8f, 9f, 11f, 13f, 15f, 10f, 12f, 14f, 16f],
        ChannelsFirst(Tensor.FromValues([2, 2, 2, 2], [.. Enumerable.Range(1, 16).Select(i => (float)i)])).ToArray());

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => ChannelsFirst(t[0]), [[2, 3, 2, 5]]);
        Gradient(t => Mul(ChannelsFirst(t[0]), ChannelsFirst(t[0])), [[2, 1, 2, 3]]);
    }

    [Fact]
    public void Pictures_of_another_rank_are_refused() => Assert.Throws<ShapeException>(() => ChannelsFirst(Normal([2, 3, 4], 1)));
}
