namespace Hieno.Schedules;

/// <summary>How the learning rate moves during training.</summary>
/// <remarks>
/// Asked once per optimizer step, never per micro-batch. Apart from <see cref="PlateauSchedule"/> a schedule is a pure function of
/// the step, so that a resumed run needs no saved state.
/// </remarks>
public interface ISchedule
{
    /// <summary>The multiplier of the base learning rate at an optimizer step.</summary>
    /// <param name="step">Optimizer step, counted from 0.</param>
    /// <returns>A number of 0 or more; 1 means the base learning rate.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is negative.</exception>
    double Factor(long step);
}
