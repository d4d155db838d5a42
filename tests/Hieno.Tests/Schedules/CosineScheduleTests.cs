using Hieno.Schedules;

namespace Hieno.Tests.Schedules;

public sealed class CosineScheduleTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 0.5)]
    [InlineData(10, 1)]
    [InlineData(55, 0.5)]
    [InlineData(99, 0.000304586)]
    public void A_fall_over_90_steps_after_10_of_warm_up(long step, double expected) =>
        Assert.Equal(expected, new CosineScheduleOptions().Create(new ScheduleContext(100, 10, 1)).Factor(step), 1e-9);

    [Fact]
    public void The_floor_is_reached_at_the_end_and_never_undercut()
    {
        ISchedule schedule = new CosineScheduleOptions { MinRatio = 0.25 }.Create(new ScheduleContext(40, 0, 1));
        Assert.Equal(1, schedule.Factor(0));
        Assert.Equal(0.25, schedule.Factor(40), 1e-15);
        Assert.All(Enumerable.Range(0, 41), step => Assert.InRange(schedule.Factor(step), 0.25, 1));
    }

    [Fact]
    public void Restarts_jump_back_to_the_base_rate()
    {
        ISchedule schedule = new CosineRestartsScheduleOptions { Cycles = 4 }.Create(new ScheduleContext(80, 0, 1));
        Assert.All([0L, 20, 40, 60], step => Assert.Equal(1, schedule.Factor(step), 1e-12));
        Assert.All([19L, 39, 59, 79], step => Assert.True(schedule.Factor(step) < 0.01));
        Assert.Equal(0, schedule.Factor(80));
    }
}
