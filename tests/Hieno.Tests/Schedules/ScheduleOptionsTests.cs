using Hieno.Schedules;

namespace Hieno.Tests.Schedules;

public sealed class ScheduleOptionsTests
{
    public static TheoryData<ScheduleOptions> All =>
    [
        new ConstantScheduleOptions(), new LinearScheduleOptions(), new CosineScheduleOptions(), new CosineRestartsScheduleOptions(),
        new WsdScheduleOptions(), new InverseSqrtScheduleOptions(), new PolynomialScheduleOptions(), new SlantedTriangularScheduleOptions(),
        new PlateauScheduleOptions(),
    ];

    [Theory]
    [MemberData(nameof(All))]
    public void Factors_are_finite_and_within_0_and_1_for_runs_of_every_awkward_length(ScheduleOptions options)
    {
        foreach ((long total, long warmup) in ((long, long)[])[(0, 0), (1, 0), (1, 1), (2, 5), (5, 5), (7, 3), (100, 10)])
        {
            ISchedule schedule = options.Create(new ScheduleContext(total, warmup, 1e-3));
            for (long step = 0; step <= Math.Max(total, warmup) + 3; step++)
            {
                double factor = schedule.Factor(step);
                Assert.True(factor is >= 0 and <= 1, $"{options}: T {total}, W {warmup}, step {step} gives {factor}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Warm_up_ends_at_the_base_rate(ScheduleOptions options) =>
        Assert.Equal(1, options.Create(new ScheduleContext(100, 10, 1e-3)).Factor(10), 1e-12);

    [Theory]
    [MemberData(nameof(All))]
    public void A_negative_step_is_refused(ScheduleOptions options) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Create(new ScheduleContext(100, 10, 1e-3)).Factor(-1));

    [Theory]
    [InlineData(-1, 0, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 0, 0)]
    [InlineData(1, 0, double.NaN)]
    [InlineData(1, 0, double.PositiveInfinity)]
    public void A_run_that_makes_no_sense_is_refused(long total, long warmup, double rate) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ScheduleContext(total, warmup, rate));

    [Fact]
    public void A_polynomial_that_would_rise_is_refused() =>
        Assert.Throws<ArgumentException>(() => new PolynomialScheduleOptions { EndLearningRate = 1 }.Create(new ScheduleContext(10, 0, 1e-3)));

    [Fact]
    public void Inverse_square_root_falls_to_half_at_four_times_the_warm_up()
    {
        Assert.Equal(0.5, new InverseSqrtScheduleOptions().Create(new ScheduleContext(100, 10, 1)).Factor(40), 1e-15);
        Assert.Equal(0.5, new InverseSqrtScheduleOptions().Create(new ScheduleContext(100, 0, 1)).Factor(30_000), 1e-15);
    }
}
