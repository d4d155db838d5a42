using Hieno.Schedules;

namespace Hieno.Tests.Schedules;

public sealed class WsdScheduleTests
{
    private static readonly ScheduleContext Run = new(totalSteps: 100, warmupSteps: 10, learningRate: 1);

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(5, 0.55)]
    [InlineData(10, 1)]
    [InlineData(69, 1)]
    [InlineData(70, 1)]
    [InlineData(85, 0.55)]
    [InlineData(99, 0.102465147)]
    [InlineData(100, 0.1)]
    public void Cosine_fall_over_the_last_30_steps(long step, double expected) =>
        Assert.Equal(expected, new WsdScheduleOptions { DecaySteps = 30, MinRatio = 0.1 }.Create(Run).Factor(step), 1e-9);

    [Theory]
    [InlineData(70, 1)]
    [InlineData(85, 0.363603897)]
    [InlineData(99, 0.115127128)]
    public void Square_root_fall_over_the_last_30_steps(long step, double expected) =>
        Assert.Equal(
            expected,
            new WsdScheduleOptions { DecaySteps = 30, MinRatio = 0.1, DecayShape = RampShape.OneMinusSqrt }.Create(Run).Factor(step),
            1e-9);

    [Theory]
    [InlineData(RampShape.Linear, 0.5)]
    [InlineData(RampShape.Cosine, 0.5)]
    [InlineData(RampShape.OneMinusSqrt, 0.29289321881345254)] // 1 − √½
    public void Each_warm_up_curve_rises_from_0_to_1(RampShape shape, double half)
    {
        ISchedule schedule = new WsdScheduleOptions { WarmupShape = shape }.Create(Run);
        Assert.Equal(0, schedule.Factor(0), 1e-15);
        Assert.Equal(half, schedule.Factor(5), 1e-15);
        Assert.Equal(1, schedule.Factor(10), 1e-15);
    }

    [Fact]
    public void The_default_fall_is_a_fifth_of_the_run()
    {
        ISchedule schedule = new WsdScheduleOptions { DecayShape = RampShape.Linear }.Create(Run);
        Assert.Equal(1, schedule.Factor(80));
        Assert.Equal(0.95, schedule.Factor(81), 1e-12);
        Assert.Equal(0, schedule.Factor(100));
    }

    [Fact]
    public void A_fall_of_no_steps_ends_on_the_floor() =>
        Assert.Equal(0.3, new WsdScheduleOptions { DecaySteps = 0, MinRatio = 0.3 }.Create(Run).Factor(100));

    [Fact]
    public void A_fall_longer_than_the_warm_up_leaves_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new WsdScheduleOptions { DecaySteps = 91 }.Create(Run));
        Assert.Contains("91 steps, but 10 warm-up steps leave only 90 of 100", error.Message, StringComparison.Ordinal);
    }
}
