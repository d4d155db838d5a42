namespace Hieno.Training;

/// <summary>Where the events of a run go: into the run folder, once it is open, and to whoever listens.</summary>
/// <param name="clock">Gives each event its time.</param>
/// <param name="listener">Told of each event, or null.</param>
internal sealed class RunEvents(TimeProvider clock, Action<TrainingEvent>? listener)
{
    /// <summary>The run folder, or null as long as nothing may be written.</summary>
    public RunFolder? Folder { get; set; }

    /// <summary>Passes an event on.</summary>
    public void Emit(TrainingEvent item)
    {
        TrainingEvent stamped = item with { Time = clock.GetUtcNow() };
        Folder?.Append(stamped);
        listener?.Invoke(stamped);
    }

    /// <summary>Passes warnings on.</summary>
    public void Warn(IEnumerable<(string Id, string Text)> warnings)
    {
        foreach ((string id, string text) in warnings)
        {
            Emit(new RunWarning(id, text));
        }
    }

    /// <summary>Passes a line of text on.</summary>
    public void Say(string text) => Emit(new LogMessage(text));
}
