using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>Settings of <see cref="PlateauSchedule"/>.</summary>
public sealed record PlateauScheduleOptions : ScheduleOptions
{
    /// <summary>What the rate is multiplied by at a reduction. Default 0.1.</summary>
    [Range(0.0, 1.0)]
    public double Factor { get; init; } = 0.1;

    /// <summary>Evaluations without improvement that are tolerated; the next one reduces the rate. Default 10.</summary>
    [Range(0, int.MaxValue)]
    public int Patience { get; init; } = 10;

    /// <summary>How much better than the best a value must be, as a share of the best. Default 1e-4.</summary>
    [Range(0.0, 1.0)]
    public double Threshold { get; init; } = 1e-4;

    /// <summary>Evaluations after a reduction in which nothing is counted. Default 0.</summary>
    [Range(0, int.MaxValue)]
    public int Cooldown { get; init; }

    /// <summary>The lowest learning rate. Default 0.</summary>
    [Range(0.0, 1e6)]
    public double MinLearningRate { get; init; }

    /// <summary>A reduction by no more than this much is not made. Default 1e-8.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new PlateauSchedule(this, context);
}

/// <summary>All that a <see cref="PlateauSchedule"/> remembers; a checkpoint stores it, so that a resumed run continues exactly.</summary>
/// <param name="LearningRate">The reduced base rate.</param>
/// <param name="Best">The best value so far, or null before the first finite one.</param>
/// <param name="BadReports">Values in a row that were no improvement.</param>
/// <param name="CooldownLeft">Values still to pass before counting starts again.</param>
public sealed record PlateauState(double LearningRate, double? Best, int BadReports, int CooldownLeft);

/// <summary>Holds the rate while the monitored metric improves, and reduces it when it has not for a while. Warms up first.</summary>
/// <remarks>
/// The rule of PyTorch's ReduceLROnPlateau. Whether higher is better is told by <see cref="ScheduleContext.HigherIsBetter"/>. A value that
/// is not finite never counts as an improvement.
/// </remarks>
public sealed class PlateauSchedule(PlateauScheduleOptions options, ScheduleContext context) : ISchedule
{
    /// <summary>All that the schedule remembers; set it to continue where another left off.</summary>
    public PlateauState State { get; set; } = new(context.LearningRate, Best: null, BadReports: 0, CooldownLeft: 0);

    /// <inheritdoc/>
    public double Factor(long step) => context.Warmup(step) * (State.LearningRate / context.LearningRate);

    /// <summary>Tells the schedule the monitored metric's value after an evaluation.</summary>
    /// <param name="value">The value; NaN and infinities count as no improvement.</param>
    public void Report(double value)
    {
        var (rate, best, bad, cooldown) = State;

        if (IsBetter(value, best))
        {
            (best, bad) = (value, 0);
        }
        else
        {
            bad++;
        }

        if (cooldown > 0)
        {
            (cooldown, bad) = (cooldown - 1, 0);
        }

        if (bad > options.Patience)
        {
            double reduced = Math.Max(rate * options.Factor, options.MinLearningRate);
            rate = rate - reduced > options.Epsilon ? reduced : rate;
            (cooldown, bad) = (options.Cooldown, 0); // also after a reduction too small to be made, as in PyTorch
        }

        State = new PlateauState(rate, best, bad, cooldown);
    }

    private bool IsBetter(double value, double? best) =>
        double.IsFinite(value)
        && (best is not { } b
            || (context.HigherIsBetter ? value > b * (1 + options.Threshold) : value < b * (1 - options.Threshold)));
}
