using Hieno.Models.DebertaV2;

namespace Hieno.Models.Tests.DebertaV2;

public sealed class DisentangledPositionsTests
{
    // Values of the published function for 256 buckets and distances up to 512, as in version 3.
    [Theory]
    [InlineData(0, 256)]
    [InlineData(5, 261)]
    [InlineData(-5, 251)]
    [InlineData(128, 384)]
    [InlineData(129, 385)]
    [InlineData(200, 425)]
    [InlineData(511, 511)]
    [InlineData(-511, 1)]
    public void Near_distances_have_a_place_each_and_far_ones_share_theirs(int distance, int place) =>
        Assert.Equal(place, new DisentangledOptions(256, 256, 512, true, true, true).PlaceOf(distance));

    [Theory]
    [InlineData(0, 8)]
    [InlineData(7, 15)]
    [InlineData(20, 15)]
    [InlineData(-20, 0)]
    public void Without_buckets_distances_end_at_the_farthest(int distance, int place) =>
        Assert.Equal(place, new DisentangledOptions(8, 0, 8, true, true, true).PlaceOf(distance));
}
