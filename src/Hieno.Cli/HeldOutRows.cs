using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli;

/// <summary>The rows of a file, laid out once for models of one vocabulary and one task, to be measured many times.</summary>
internal sealed class HeldOutRows
{
    private const int BatchSize = 16;
    private const ulong DefaultSeed = 42;

    private readonly IObjective _objective;
    private readonly IReadOnlyList<Example> _examples;
    private readonly ulong _seed;

    private HeldOutRows(string file, IObjective objective, IReadOnlyList<Example> examples, IMetric metric, ulong seed)
    {
        (File, _objective, _examples, Metric, _seed) = (file, objective, examples, metric, seed);
    }

    public string File { get; }

    /// <summary>What is measured.</summary>
    public IMetric Metric { get; }

    /// <summary>How many rows there are.</summary>
    public int Count => _examples.Count;

    /// <summary>Reads the rows of a file for a model; the task is that of its run, else follows from the model and the rows.</summary>
    /// <param name="model">A run or a model.</param>
    /// <param name="data">The file and how it is read.</param>
    /// <param name="metric">The metric's name; the first of the task when null.</param>
    /// <param name="terminal">Gets the notes.</param>
    /// <param name="kinds">The kinds that are known.</param>
    /// <exception cref="HienoException">The model or a row cannot be used, or the metric does not belong to the task.</exception>
    public static HeldOutRows Read(string model, DataOptions data, string? metric, Terminal terminal, KindCatalog kinds)
    {
        Recipe? recipe = RunRecipe.Of(model, kinds);
        DataFlags.ThrowIfAbsent(data.Train[0]);
        LoadedModel loaded = ModelFolder.Open(model, kinds: kinds);
        IReadOnlyList<DataRow> rows = DataSplit.ReadFile(data.Train[0], data, loaded.Model is not TextModel);
        ObjectiveOptions task = recipe?.Task is { } own && (own is not SupervisedFineTuningOptions || TaskChoice.IsConversation(rows[0])) ? own : TaskChoice.Of(loaded.Config, rows[0]);
        IObjective objective = task.Create();
        objective.Prepare(loaded.ContextOf(data, data.MaxLength, recipe?.Seed ?? DefaultSeed, text => terminal.Error.WriteLine($"note: {text}")), []);
        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = objective.Encode(rows, invalid);
        return invalid.Count > 0
            ? throw invalid[0]
            : new HeldOutRows(data.Train[0], objective, examples, BuiltInMetrics.Find(metric ?? objective.DefaultMetrics[0]), recipe?.Seed ?? DefaultSeed);
    }

    /// <summary>The metric of a model on the rows.</summary>
    public double Measure(PretrainedModel model) => Evaluation.Run(model, _objective, _examples, [Metric], BatchSize, _seed).Values[Metric.Name];
}
