using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>Settings of <see cref="InverseSqrtSchedule"/>.</summary>
public sealed record InverseSqrtScheduleOptions : ScheduleOptions
{
    /// <summary>Steps after which the rate has fallen by √2, τ; null (default) takes the warm-up's length, or 10,000 where there is no warm-up.</summary>
    [Range(1, long.MaxValue)]
    public long? Timescale { get; init; }

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new InverseSqrtSchedule(this, context);
}

/// <summary>Falls with the square root of the step: √(τ / (s − W + τ)), which is √(W / s) where τ = W.</summary>
/// <remarks>Vaswani et al. 2017, <see href="https://arxiv.org/abs/1706.03762"/>, eq. 3, without its factor of the model's width. Needs no length of the run.</remarks>
public sealed class InverseSqrtSchedule(InverseSqrtScheduleOptions options, ScheduleContext context) : ISchedule
{
    private const long TimescaleWithoutWarmup = 10_000;

    private readonly long _timescale = Math.Max(1,
        options.Timescale ?? (context.WarmupSteps > 0 ? context.WarmupSteps : TimescaleWithoutWarmup));

    /// <inheritdoc/>
    public double Factor(long step)
    {
        double warmup = context.Warmup(step);
        return step < context.WarmupSteps ? warmup : Math.Sqrt(_timescale / ((double)(step - context.WarmupSteps) + _timescale));
    }
}
