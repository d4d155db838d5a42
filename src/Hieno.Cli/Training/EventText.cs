using System.Globalization;
using Hieno.Training;

namespace Hieno.Cli.Training;

/// <summary>Events as lines of text.</summary>
internal static class EventText
{
    /// <summary>The event in a line; null where there is nothing to say yet.</summary>
    public static string? Of(TrainingEvent item) => item switch
    {
        RunStarted started => Started(started),
        LogMessage message => $"note: {message.Text}",
        RunWarning warning => $"warning {warning.Id}: {warning.Text}. See docs/warnings.md#{warning.Id}",
        StepCompleted step => Step(step),
        Evaluated evaluated => $"step {evaluated.Step} on the {evaluated.Split} rows: {Figures.Metrics(evaluated.Metrics)}{(evaluated.IsBest ? " (best so far)" : string.Empty)}",
        CheckpointSaved saved => $"checkpoint of step {saved.Step}: {saved.Folder}",
        _ => null,
    };

    private static string Started(RunStarted started)
    {
        string begin = started.FirstStep > 0 ? string.Create(CultureInfo.InvariantCulture, $", going on after step {started.FirstStep}") : string.Empty;
        return $"{Figures.Count(started.TrainableWeights)} of {Figures.Count(started.TotalWeights)} weights learn "
            + $"({Figures.Share(started.TrainableWeights, started.TotalWeights)}), from {Figures.Count(started.TrainingRows)} rows in {Figures.Count(started.TotalSteps)} steps{begin}";
    }

    private static string Step(StepCompleted step) =>
        $"step {step.Step}/{step.TotalSteps}  epoch {step.Epoch.ToString("0.00", CultureInfo.InvariantCulture)}  loss {Figures.Metric(step.Loss)}  "
        + $"learning rate {Figures.Rate(step.LearningRate)}  {Figures.Count((long)step.TokensPerSecond)} {step.Unit ?? "tokens"}/s  {Figures.Duration(step.SecondsLeft)} left  {Figures.Bytes(step.MemoryBytes)}";
}
