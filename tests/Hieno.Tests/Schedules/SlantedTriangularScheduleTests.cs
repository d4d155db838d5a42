using Hieno.Schedules;

namespace Hieno.Tests.Schedules;

public sealed class SlantedTriangularScheduleTests
{
    [Theory]
    [InlineData(0, 0.03125)]
    [InlineData(5, 0.515625)]
    [InlineData(10, 1)]
    [InlineData(55, 0.515625)]
    [InlineData(99, 0.042013889)]
    public void A_triangle_over_100_steps(long step, double expected) =>
        Assert.Equal(expected, new SlantedTriangularScheduleOptions().Create(new ScheduleContext(100, 0, 1)).Factor(step), 1e-9);

    [Fact]
    public void A_cut_that_is_not_whole_never_drives_the_rate_below_the_lowest()
    {
        ISchedule schedule = new SlantedTriangularScheduleOptions().Create(new ScheduleContext(19, 0, 1));
        Assert.All(Enumerable.Range(0, 25), step => Assert.InRange(schedule.Factor(step), 1.0 / 32, 1));
    }

    [Fact]
    public void Warm_up_steps_of_the_training_are_the_rise() =>
        Assert.Equal(1, new SlantedTriangularScheduleOptions().Create(new ScheduleContext(100, 40, 1)).Factor(40));
}
