using Hieno.Training;

namespace Hieno.Cli.Training;

/// <summary>One JSON object a line, the same as in <c>events.jsonl</c>.</summary>
internal sealed class JsonTrainingView(Terminal terminal) : ITrainingView
{
    public async Task<RunCompleted> WatchAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        RunCompleted? last = null;
        await foreach (TrainingEvent item in events)
        {
            await terminal.Output.WriteLineAsync(item.ToJson());
            last = item as RunCompleted ?? last;
        }

        return last!; // a run that ends without it has thrown
    }
}
