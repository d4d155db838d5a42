using Hieno.Training;

namespace Hieno.Cli.Training;

/// <summary>A way to show a run.</summary>
internal interface ITrainingView
{
    /// <summary>Shows events until the run has ended.</summary>
    /// <returns>The last event.</returns>
    Task<RunCompleted> WatchAsync(IAsyncEnumerable<TrainingEvent> events);
}
