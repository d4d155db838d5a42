namespace Hieno.Formats.Tracking;

/// <summary>How a run ended, as TensorBoard's table of hyperparameters shows it.</summary>
public enum SessionStatus
{
    /// <summary>The run came to its end.</summary>
    Success = 1,

    /// <summary>The run failed.</summary>
    Failure = 2,

    /// <summary>The run was left to be continued.</summary>
    Running = 3,
}
