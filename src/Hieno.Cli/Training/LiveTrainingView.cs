using System.Globalization;
using Hieno.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Hieno.Cli.Training;

/// <summary>A bar and the newest figures, drawn anew in place; what stays true is written above it.</summary>
internal sealed class LiveTrainingView(Terminal terminal, TimeProvider clock) : ITrainingView
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private readonly SortedDictionary<long, IReadOnlyDictionary<string, double>> _validation = [];
    private StepCompleted? _step;
    private long _bestStep;

    public async Task<RunCompleted> WatchAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        RunCompleted? last = null;
        await terminal.Ansi.Live(new Text("reading data and model …")).AutoClear(true).StartAsync(async live =>
        {
            long drawn = 0;
            await foreach (TrainingEvent item in events)
            {
                switch (item)
                {
                    case StepCompleted step:
                        _step = step;
                        break;
                    case Evaluated evaluated:
                        _validation[evaluated.Step] = evaluated.Metrics;
                        _bestStep = evaluated.IsBest ? evaluated.Step : _bestStep;
                        break;
                    case RunCompleted completed:
                        last = completed;
                        break;
                    case CheckpointSaved:
                        break; // of interest in a log, not on a screen
                    default:
                        terminal.Ansi.WriteLine(EventText.Of(item)!); // lands above the figures
                        break;
                }

                // A tiny model makes thousands of steps in a second; eyes need ten.
                if (drawn == 0 || item is Evaluated || clock.GetElapsedTime(drawn) >= s_pause)
                {
                    live.UpdateTarget(Draw());
                    drawn = clock.GetTimestamp();
                }
            }
        });
        if (_validation.Count > 0)
        {
            terminal.Ansi.Write(ValidationTable());
        }

        return last!; // a run that ends without it has thrown
    }

    private IRenderable Draw()
    {
        if (_step is not { } step)
        {
            return new Text("measuring the base model …");
        }

        var figures = new Grid().AddColumns(6);
        figures.AddRow(
            new Markup("[grey]loss[/]"), new Text(Figures.Metric(step.Loss)),
            new Markup("[grey]learning rate[/]"), new Text(Figures.Rate(step.LearningRate)),
            new Markup("[grey]epoch[/]"), new Text(step.Epoch.ToString("0.00", CultureInfo.InvariantCulture)));
        figures.AddRow(
            new Markup($"[grey]{step.Unit ?? "tokens"}/s[/]"), new Text(Figures.Count((long)step.TokensPerSecond)),
            new Markup("[grey]gradient norm[/]"), new Text(Figures.Metric(step.GradientNorm)),
            new Markup("[grey]memory[/]"), new Text(Figures.Bytes(step.MemoryBytes)));
        List<IRenderable> rows = [Bar(step), figures];
        if (_validation.Count > 0)
        {
            rows.Add(ValidationTable());
        }

        return new Rows(rows);
    }

    private static Markup Bar(StepCompleted step)
    {
        const int Width = 40;
        int full = (int)(Width * step.Step / Math.Max(1, step.TotalSteps));
        string bar = $"[green]{new string('━', full)}[/][grey]{new string('━', Width - full)}[/]";
        return new Markup($"{bar} {step.Step}/{step.TotalSteps}  {Figures.Number(100.0 * step.Step / Math.Max(1, step.TotalSteps), 0)} %  {Figures.Duration(step.SecondsLeft)} left");
    }

    private Table ValidationTable()
    {
        const int Shown = 8;
        Table table = new Table().Border(TableBorder.Simple).AddColumn("validation at step");
        string[] names = [.. _validation.Values.First().Keys];
        foreach (string name in names)
        {
            table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
        }

        foreach ((long step, IReadOnlyDictionary<string, double> values) in _validation.TakeLast(Shown))
        {
            string mark = step == _bestStep ? " (best)" : string.Empty;
            table.AddRow([string.Create(CultureInfo.InvariantCulture, $"{step}{mark}"), .. names.Select(name => Figures.Metric(values[name]))]);
        }

        return table;
    }
}
