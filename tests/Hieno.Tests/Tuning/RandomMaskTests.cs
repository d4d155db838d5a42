using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class RandomMaskTests
{
    [Theory]
    [InlineData(0.0, 0)]
    [InlineData(0.25, 40)]
    [InlineData(1.0, 160)]
    public void The_share_is_kept_exactly_over_all_norms(double keep, long expected) =>
        Assert.Equal(expected, Apply(new RandomMaskOptions { Keep = keep, NormsOnly = true, TrainHead = false }, seed: 3).TrainableCount);

    [Fact]
    public void The_seed_draws_the_elements()
    {
        var options = new RandomMaskOptions { Keep = 0.1, TrainHead = false };
        Assert.Equal(Counts(options, 3), Counts(options, 3));
        Assert.NotEqual(Counts(options, 3), Counts(options, 4));
        TunedModel tuned = Apply(options, 3);
        Assert.Equal((long)Math.Round(0.1 * tuned.Trainable.Sum(parameter => parameter.Count)), tuned.TrainableCount);
    }

    private static long[] Counts(RandomMaskOptions options, ulong seed) => [.. Apply(options, seed).Masks.Select(mask => mask.LearningCount)];

    private static TunedModel Apply(RandomMaskOptions options, ulong seed) => options.Create().Apply(TinyTuning.Language("bert"), seed);
}
