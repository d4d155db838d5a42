using System.ComponentModel.DataAnnotations;

namespace Hieno.Schedules;

/// <summary>The curve of a rise or a fall of the learning rate.</summary>
public enum RampShape
{
    /// <summary>A straight line.</summary>
    Linear,

    /// <summary>Half a cosine: flat at both ends.</summary>
    Cosine,

    /// <summary>One minus a square root: a fall is steepest at its start, a rise at its end.</summary>
    OneMinusSqrt,
}

/// <summary>Settings of <see cref="WsdSchedule"/>.</summary>
public sealed record WsdScheduleOptions : ScheduleOptions
{
    /// <summary>Steps of the fall at the end of the run, D; null (default) takes <see cref="DecayRatio"/> of the run.</summary>
    [Range(0, long.MaxValue)]
    public long? DecaySteps { get; init; }

    /// <summary>The fall's share of the run where <see cref="DecaySteps"/> is not set; at most what the warm-up leaves. Default 0.2.</summary>
    [Range(0.0, 1.0)]
    public double DecayRatio { get; init; } = 0.2;

    /// <summary>The factor at the end of the run, m, as a share of the base rate. Default 0.</summary>
    [Range(0.0, 1.0)]
    public double MinRatio { get; init; }

    /// <summary>The factor at step 0 of a warm-up; null (default) takes <see cref="MinRatio"/>. Older releases of Hugging Face transformers rise from 0.</summary>
    [Range(0.0, 1.0)]
    public double? WarmupMinRatio { get; init; }

    /// <summary>The curve of the warm-up. Default linear.</summary>
    public RampShape WarmupShape { get; init; } = RampShape.Linear;

    /// <summary>The curve of the fall. Default cosine.</summary>
    public RampShape DecayShape { get; init; } = RampShape.Cosine;

    /// <summary>Waves of a cosine fall. Default 0.5: from the top to the bottom once.</summary>
    [Range(0.0, 1000.0)]
    public double Cycles { get; init; } = 0.5;

    /// <inheritdoc/>
    public override ISchedule Create(ScheduleContext context) => new WsdSchedule(this, context);
}

/// <summary>Warm-up, stable, decay: the base rate is held until the last D steps, in which it falls to a floor.</summary>
/// <remarks>
/// Hu et al. 2024 (MiniCPM), <see href="https://arxiv.org/abs/2404.06395"/>, section 4. Since the stable part does not depend on the
/// length of the run, a run can be prolonged from a checkpoint of that part.
/// </remarks>
public sealed class WsdSchedule : ISchedule
{
    private readonly WsdScheduleOptions _options;
    private readonly ScheduleContext _context;
    private readonly long _decaySteps;
    private readonly long _decayStart;

    /// <summary>Lays the three phases over the run.</summary>
    /// <exception cref="ArgumentException">The steps of the fall are more than the warm-up leaves.</exception>
    public WsdSchedule(WsdScheduleOptions options, ScheduleContext context)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(context);

        long available = Math.Max(0, context.TotalSteps - context.WarmupSteps);
        if (options.DecaySteps > available)
        {
            throw new ArgumentException(
                $"wsd: the fall takes {options.DecaySteps} steps, but {context.WarmupSteps} warm-up steps leave only {available} of {context.TotalSteps}. "
                + "Lower 'decaySteps', or train longer.", nameof(options));
        }

        (_options, _context) = (options, context);
        _decaySteps = options.DecaySteps ?? Math.Min(available, (long)Math.Ceiling(options.DecayRatio * context.TotalSteps));
        _decayStart = context.WarmupSteps + available - _decaySteps;
    }

    /// <inheritdoc/>
    public double Factor(long step)
    {
        if (step < _context.WarmupSteps)
        {
            return AboveFloor(Rise(_context.Warmup(step)), _options.WarmupMinRatio ?? _options.MinRatio);
        }

        if (step < _decayStart)
        {
            return 1;
        }

        // Past the end the floor holds; this also covers a fall of no steps.
        return step >= _decayStart + _decaySteps
            ? _options.MinRatio
            : AboveFloor(Fall((double)(step - _decayStart) / _decaySteps), _options.MinRatio);
    }

    private static double AboveFloor(double factor, double floor) => Math.Max(0, (factor * (1 - floor)) + floor);

    private double Rise(double p) => _options.WarmupShape switch
    {
        RampShape.Linear => p,
        RampShape.Cosine => 0.5 * (1 - Math.Cos(Math.PI * p)),
        _ => 1 - Math.Sqrt(1 - p),
    };

    private double Fall(double p) => _options.DecayShape switch
    {
        RampShape.Linear => 1 - p,
        RampShape.Cosine => 0.5 * (1 + Math.Cos(2 * Math.PI * _options.Cycles * p)),
        _ => 1 - Math.Sqrt(p),
    };
}
