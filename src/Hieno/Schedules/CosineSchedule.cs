using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>Settings of <see cref="CosineSchedule"/>.</summary>
public sealed record CosineScheduleOptions : ScheduleOptions
{
    /// <summary>Waves of the cosine over the run, c. Default 0.5: one fall, from the top to the bottom.</summary>
    [Range(0.0, 1000.0)]
    public double Cycles { get; init; } = 0.5;

    /// <summary>The lowest factor, m, as a share of the base rate. Default 0.</summary>
    [Range(0.0, 1.0)]
    public double MinRatio { get; init; }

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new CosineSchedule(this, context);
}

/// <summary>Follows a cosine from the base rate down to a floor: f(1 − m) + m with f = ½(1 + cos(2πcp)), p the share of the run after the warm-up.</summary>
/// <remarks>
/// Loshchilov and Hutter 2016, <see href="https://arxiv.org/abs/1608.03983"/>, eq. 5. Beyond the last step the wave goes on, as it does
/// in Hugging Face transformers; a run never asks for those steps. The warm-up rises from 0 also where there is a floor.
/// </remarks>
public sealed class CosineSchedule(CosineScheduleOptions options, ScheduleContext context) : ISchedule
{
    /// <inheritdoc/>
    public double Factor(long step)
    {
        if (step < context.WarmupSteps)
        {
            return context.Warmup(step);
        }

        double wave = 0.5 * (1 + Math.Cos(2 * Math.PI * options.Cycles * context.Progress(step)));
        return Math.Max(0, (wave * (1 - options.MinRatio)) + options.MinRatio);
    }
}
