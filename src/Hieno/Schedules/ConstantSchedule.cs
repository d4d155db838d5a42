namespace Hieno.Schedules;

/// <summary>Settings of <see cref="ConstantSchedule"/>; it has none beyond the warm-up.</summary>
public sealed record ConstantScheduleOptions : ScheduleOptions
{
    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new ConstantSchedule(context);
}

/// <summary>The base rate throughout, after the warm-up: min(1, s / max(1, W)).</summary>
public sealed class ConstantSchedule(ScheduleContext context) : ISchedule
{
    /// <inheritdoc/>
    public double Factor(long step) => context.Warmup(step);
}
