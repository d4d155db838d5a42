using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>Settings of <see cref="PolynomialSchedule"/>.</summary>
public sealed record PolynomialScheduleOptions : ScheduleOptions
{
    /// <summary>The exponent. Default 1: a straight line.</summary>
    [Range(0.0, 100.0)]
    public double Power { get; init; } = 1;

    /// <summary>The learning rate at the end of the run: a rate, not a share of the base rate. Default 1e-7.</summary>
    [Range(0.0, 1e6)]
    public double EndLearningRate { get; init; } = 1e-7;

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new PolynomialSchedule(this, context);
}

/// <summary>Falls along a power of the share of the run that is left: the rate is (η − η_end)(1 − p)^power + η_end, and η_end beyond the run.</summary>
public sealed class PolynomialSchedule : ISchedule
{
    private readonly ScheduleContext _context;
    private readonly double _power;
    private readonly double _endRatio;

    /// <summary>Lays the fall over the run.</summary>
    /// <exception cref="ArgumentException">The rate at the end is above the base rate.</exception>
    public PolynomialSchedule(PolynomialScheduleOptions options, ScheduleContext context)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(context);
        if (options.EndLearningRate > context.LearningRate)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"polynomial: the learning rate would rise from {context.LearningRate} to {options.EndLearningRate}. ")
                + "Lower 'endLearningRate', or raise 'learningRate'.", nameof(options));
        }

        (_context, _power, _endRatio) = (context, options.Power, options.EndLearningRate / context.LearningRate);
    }

    /// <inheritdoc/>
    public double Factor(long step)
    {
        if (step < _context.WarmupSteps)
        {
            return _context.Warmup(step);
        }

        double left = 1 - _context.Progress(step);
        return left < 0 || step > _context.TotalSteps ? _endRatio : ((1 - _endRatio) * Math.Pow(left, _power)) + _endRatio;
    }
}
