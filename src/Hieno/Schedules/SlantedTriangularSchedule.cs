using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>Settings of <see cref="SlantedTriangularSchedule"/>.</summary>
public sealed record SlantedTriangularScheduleOptions : ScheduleOptions
{
    /// <summary>The rise's share of the run. Used where the training has no warm-up steps of its own: those are the rise otherwise. Default 0.1.</summary>
    [Range(0.0, 1.0)]
    public double CutFraction { get; init; } = 0.1;

    /// <summary>How many times the base rate is larger than the lowest one. Default 32.</summary>
    [Range(1.0, 1e9)]
    public double Ratio { get; init; } = 32;

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new SlantedTriangularSchedule(this, context);
}

/// <summary>A short rise and a long fall, both straight: (1 + p(ratio − 1)) / ratio, where p goes 0 → 1 → 0.</summary>
/// <remarks>
/// Howard and Ruder 2018 (ULMFiT), <see href="https://arxiv.org/abs/1801.06146"/>, eq. 3. The fall is divided by T − cut; the paper's
/// cut · (1/cutFraction − 1) is the same number where cutFraction · T is whole, and would drive p below 0 where it is not.
/// </remarks>
public sealed class SlantedTriangularSchedule(SlantedTriangularScheduleOptions options, ScheduleContext context) : ISchedule
{
    private readonly long _cut = context.WarmupSteps > 0
        ? context.WarmupSteps
        : (long)Math.Floor(context.TotalSteps * options.CutFraction);

    /// <inheritdoc/>
    public double Factor(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        double p = step < _cut
            ? (double)step / _cut
            : Math.Max(0, 1 - ((double)(step - _cut) / Math.Max(1, context.TotalSteps - _cut)));
        return (1 + (p * (options.Ratio - 1))) / options.Ratio;
    }
}
