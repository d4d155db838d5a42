namespace Hieno.Schedules;

/// <summary>Settings of <see cref="LinearSchedule"/>; it has none beyond the warm-up.</summary>
public sealed record LinearScheduleOptions : ScheduleOptions
{
    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new LinearSchedule(context);
}

/// <summary>Falls in a straight line from the base rate at the end of the warm-up to 0 at the end of the run: max(0, (T − s) / max(1, T − W)).</summary>
/// <remarks>The schedule of Devlin et al. 2018 (BERT), <see href="https://arxiv.org/abs/1810.04805"/>, appendix A.2.</remarks>
public sealed class LinearSchedule(ScheduleContext context) : ISchedule
{
    /// <inheritdoc/>
    public double Factor(long step) =>
        step < context.WarmupSteps
            ? context.Warmup(step)
            : Math.Max(0, (double)(context.TotalSteps - step) / Math.Max(1, context.TotalSteps - context.WarmupSteps));
}
