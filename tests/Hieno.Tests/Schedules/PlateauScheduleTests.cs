using System.Text.Json;
using Hieno.Schedules;

namespace Hieno.Tests.Schedules;

public sealed class PlateauScheduleTests
{
    private static readonly ScheduleContext Run = new(totalSteps: 100, warmupSteps: 0, learningRate: 0.01);

    [Fact]
    public void The_rate_falls_when_the_bad_evaluations_exceed_the_patience()
    {
        var schedule = new PlateauSchedule(new PlateauScheduleOptions { Patience = 2 }, Run);
        schedule.Report(1.0);
        schedule.Report(1.0);
        schedule.Report(0.99995); // better, but by less than the threshold of 1e-4
        Assert.Equal(1, schedule.Factor(5));
        schedule.Report(1.0);
        Assert.Equal(0.1, schedule.Factor(5), 1e-15);
    }

    [Fact]
    public void An_improvement_starts_the_count_again()
    {
        var schedule = new PlateauSchedule(new PlateauScheduleOptions { Patience = 1 }, Run);
        foreach (double value in (double[])[1.0, 1.1, 0.5, 0.6])
        {
            schedule.Report(value);
        }

        Assert.Equal(1, schedule.Factor(0));
        schedule.Report(0.6);
        Assert.Equal(0.1, schedule.Factor(0), 1e-15);
    }

    [Fact]
    public void Nothing_is_counted_during_the_cooldown()
    {
        var schedule = new PlateauSchedule(new PlateauScheduleOptions { Patience = 0, Cooldown = 2 }, Run);
        double[] expected = [1, 0.1, 0.1, 0.1, 0.01, 0.01];
        foreach (double factor in expected)
        {
            schedule.Report(1.0);
            Assert.Equal(factor, schedule.Factor(0), 1e-15);
        }
    }

    [Fact]
    public void Higher_values_are_improvements_where_the_metric_says_so()
    {
        var schedule = new PlateauSchedule(new PlateauScheduleOptions { Patience = 0 }, Run with { HigherIsBetter = true });
        schedule.Report(0.5);
        schedule.Report(0.6);
        Assert.Equal(1, schedule.Factor(0));
        schedule.Report(0.6);
        Assert.Equal(0.1, schedule.Factor(0), 1e-15);
    }

    [Fact]
    public void The_rate_stops_at_the_lowest_allowed_and_skips_reductions_too_small_to_matter()
    {
        var schedule = new PlateauSchedule(new PlateauScheduleOptions { Patience = 0, MinLearningRate = 0.004 }, Run);
        for (int i = 0; i < 5; i++)
        {
            schedule.Report(1.0);
        }

        Assert.Equal(0.4, schedule.Factor(0), 1e-15);

        var tiny = new PlateauSchedule(new PlateauScheduleOptions { Patience = 0, Epsilon = 0.02 }, Run);
        tiny.Report(1.0);
        tiny.Report(1.0);
        Assert.Equal(1, tiny.Factor(0));
    }

    [Fact]
    public void Values_that_are_not_finite_are_bad_evaluations()
    {
        var schedule = new PlateauSchedule(new PlateauScheduleOptions { Patience = 1 }, Run);
        schedule.Report(double.NaN);
        schedule.Report(double.PositiveInfinity);
        Assert.Equal(0.1, schedule.Factor(0), 1e-15);
        Assert.Null(schedule.State.Best);
    }

    [Fact]
    public void A_state_stored_as_json_continues_exactly()
    {
        double[] values = [3, 2.1, 2.2, 2.3, 2.05, 2.2, 2.2, 2.2, 1.9, 1.95, 1.95, 1.95];
        var options = new PlateauScheduleOptions { Patience = 1, Factor = 0.3, Cooldown = 1 };
        for (int cut = 0; cut <= values.Length; cut++)
        {
            var whole = new PlateauSchedule(options, Run);
            var first = new PlateauSchedule(options, Run);
            Array.ForEach(values, whole.Report);
            Array.ForEach(values[..cut], first.Report);

            var second = new PlateauSchedule(options, Run)
            {
                State = JsonSerializer.Deserialize<PlateauState>(JsonSerializer.Serialize(first.State))!,
            };
            Array.ForEach(values[cut..], second.Report);
            Assert.Equal(whole.State, second.State);
            Assert.Equal(whole.Factor(50), second.Factor(50));
        }
    }

    [Fact]
    public void The_warm_up_comes_first() =>
        Assert.Equal(0.25, new PlateauSchedule(new PlateauScheduleOptions(), new ScheduleContext(100, 8, 0.01)).Factor(2));
}
