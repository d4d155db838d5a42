using Hieno.Models.MPNet;

namespace Hieno.Models.Tests.MPNet;

public sealed class MPNetTests
{
    // Values of the published function for 32 buckets and distances up to 128.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 1)]
    [InlineData(-7, 7)]
    [InlineData(-8, 8)]
    [InlineData(-11, 8)]
    [InlineData(-12, 9)]
    [InlineData(-16, 10)]
    [InlineData(-64, 14)]
    [InlineData(-127, 15)]
    [InlineData(-500, 15)]
    [InlineData(1, 17)]
    [InlineData(8, 24)]
    [InlineData(500, 31)]
    public void Near_distances_have_a_bucket_each_and_far_ones_share_theirs(int distance, int bucket) =>
        Assert.Equal(bucket, BucketedDistances.BucketOf(distance, 32));
}
