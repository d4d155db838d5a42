using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>Settings of <see cref="CosineRestartsSchedule"/>.</summary>
public sealed record CosineRestartsScheduleOptions : ScheduleOptions
{
    /// <summary>Falls over the run, c, all of the same length. Default 1: no restart.</summary>
    [Range(1, 10_000)]
    public int Cycles { get; init; } = 1;

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new CosineRestartsSchedule(this, context);
}

/// <summary>Falls along half a cosine and jumps back to the base rate c − 1 times: ½(1 + cos(π · frac(cp))), p the share of the run after the warm-up.</summary>
/// <remarks>Loshchilov and Hutter 2016, <see href="https://arxiv.org/abs/1608.03983"/>, eq. 5, with periods of equal length. 0 from the last step on.</remarks>
public sealed class CosineRestartsSchedule(CosineRestartsScheduleOptions options, ScheduleContext context) : ISchedule
{
    /// <inheritdoc/>
    public double Factor(long step)
    {
        if (step < context.WarmupSteps)
        {
            return context.Warmup(step);
        }

        double progress = context.Progress(step);
        return progress >= 1 ? 0 : Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * (options.Cycles * progress % 1))));
    }
}
