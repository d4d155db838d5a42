using Hieno.Training;

namespace Hieno.Cli.Training;

/// <summary>Plain lines, for files, pipes and build servers.</summary>
/// <param name="terminal">Where to write.</param>
/// <param name="isQuiet">True to write notes only.</param>
internal sealed class PlainTrainingView(Terminal terminal, bool isQuiet = false) : ITrainingView
{
    // A long run writes about this many lines of steps, whatever its length.
    private const int StepLines = 25;

    public async Task<RunCompleted> WatchAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        RunCompleted? last = null;
        long first = 0;
        await foreach (TrainingEvent item in events)
        {
            switch (item)
            {
                case RunStarted started:
                    first = started.FirstStep;
                    break;
                case RunCompleted completed:
                    last = completed;
                    break;
            }

            bool isShown = item is StepCompleted step ? !isQuiet && IsShown(step, first) : item is LogMessage or RunWarning || !isQuiet;
            if (isShown && EventText.Of(item) is { } line)
            {
                await terminal.Output.WriteLineAsync(line);
            }
        }

        return last!; // a run that ends without it has thrown
    }

    private static bool IsShown(StepCompleted step, long first) =>
        step.Step == first + 1 || step.Step == step.TotalSteps || step.Step % ((step.TotalSteps + StepLines - 1) / StepLines) == 0;
}
