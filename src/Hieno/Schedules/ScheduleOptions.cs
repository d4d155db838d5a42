namespace Hieno.Schedules;

/// <summary>Settings of a learning-rate schedule; each schedule has a record of its own beside it.</summary>
/// <remarks>The length of the warm-up is a setting of the training, shared by all schedules: see <see cref="ScheduleContext"/>.</remarks>
public abstract record ScheduleOptions
{
    /// <summary>Builds the schedule for a run.</summary>
    /// <param name="context">The run's number of steps, warm-up and base learning rate.</param>
    /// <returns>The schedule, standing before its first step.</returns>
    /// <exception cref="ArgumentException">A setting does not fit the run.</exception>
    public abstract ISchedule Create(ScheduleContext context);
}
