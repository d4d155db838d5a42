namespace Hieno.Schedules;

/// <summary>What a schedule knows of the run it serves.</summary>
public sealed record ScheduleContext
{
    /// <summary>Describes a run.</summary>
    /// <param name="totalSteps">Optimizer steps of the whole run, T.</param>
    /// <param name="warmupSteps">Steps over which the rate rises to its base value, W; 0 for none.</param>
    /// <param name="learningRate">The base learning rate, which the schedule's factor multiplies.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number of steps is negative, or the rate is not a positive finite number.</exception>
    public ScheduleContext(long totalSteps, long warmupSteps, double learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(totalSteps);
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        if (!double.IsFinite(learningRate) || learningRate <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, "The base learning rate must be a positive finite number.");
        }

        (TotalSteps, WarmupSteps, LearningRate) = (totalSteps, warmupSteps, learningRate);
    }

    /// <summary>Optimizer steps of the whole run, T.</summary>
    public long TotalSteps { get; }

    /// <summary>Steps over which the rate rises to its base value, W; 0 for none.</summary>
    public long WarmupSteps { get; }

    /// <summary>The base learning rate.</summary>
    public double LearningRate { get; }

    /// <summary>Whether the monitored metric is better when it is higher; only <see cref="PlateauSchedule"/> asks. Default false, as for a loss.</summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>The linear rise min(1, s / max(1, W)): 0 at step 0 of a warm-up, 1 from its end on.</summary>
    /// <param name="step">Optimizer step s, counted from 0.</param>
    /// <returns>A number in [0, 1]; 1 at every step where there is no warm-up.</returns>
    public double Warmup(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return step >= WarmupSteps ? 1 : (double)step / WarmupSteps;
    }

    /// <summary>The share of the steps after the warm-up that is done: (s − W) / max(1, T − W).</summary>
    /// <param name="step">Optimizer step s, not before the end of the warm-up.</param>
    /// <returns>0 at the end of the warm-up, 1 at the end of the run, above 1 beyond it.</returns>
    public double Progress(long step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, WarmupSteps);
        return (double)(step - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps);
    }
}
