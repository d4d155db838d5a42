using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno eval RUN|MODEL DATA</c>: how good a model is on the rows of a file.</summary>
internal static class EvalCommand
{
    // Intervals are computed where they take about a second at most.
    private const long MostDraws = 20_000_000;
    private const int Resamples = 1000;
    private const ulong DefaultSeed = 42;

    private sealed record Request(string Model, string? Base, string? Task, DataOptions Data, IReadOnlyList<string> Metrics, int BatchSize, bool SkipInvalid);

    private sealed record Measured(string Task, int Rows, IReadOnlyList<ConfidenceInterval> Values, Predictions Predictions);

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "eval",
            "Measures a model on the rows of a file. The task is that of the run, else follows from the model: a classifier by its config.json, otherwise language modelling. "
            + "Values come with 95 % bootstrap intervals where the rows can be drawn anew.",
            "hieno eval runs/quickstart test.jsonl",
            "hieno eval runs/support/final test.jsonl --base models/tiny-gpt2 --metrics loss,perplexity --json");
        Argument<string> model = verb.Required("RUN|MODEL", "A run folder, a model folder or an adapter folder.");
        Argument<string> data = verb.Required("DATA", "The rows: .jsonl, .json, .csv, .tsv or .txt; of pictures also a folder of class folders, an IDX or a CIFAR file.");
        Option<string?> baseModel = verb.Text("--base", "DIR", "The base of an adapter, where it is no longer where the adapter says.");
        Option<string?> task = verb.Text("--task", "TASK", $"What to measure: {string.Join(", ", TaskChoice.Names)}. Default: what the model was tuned for.");
        Option<string[]> metrics = verb.Texts("--metrics", "NAME", "The metrics to compute. Default: the usual ones of the task.");
        Option<int> batch = verb.With(new Option<int>("--batch-size") { Description = "Rows that go through the model together; changes the speed, not the values.", HelpName = "N", DefaultValueFactory = _ => 16 });
        Option<bool> skip = verb.Flag("--skip-invalid", "Leaves rows out that cannot be read, and counts them, instead of stopping.");
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        var flags = new DataFlags(verb);
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(model);
            string file = parsed.GetRequiredValue(data);
            KindCatalog kinds = plugins.Kinds(parsed);
            Recipe? recipe = RunRecipe.Of(folder, kinds);
            var request = new Request(
                folder, parsed.GetValue(baseModel), parsed.GetValue(task), flags.Of(parsed, file, recipe?.Data), parsed.GetValue(metrics)!, Math.Max(1, parsed.GetValue(batch)), parsed.GetValue(skip));
            Measured measured = Measure(request, recipe, kinds, terminal);
            if (parsed.GetValue(json))
            {
                terminal.WriteLine(ToJson(request, measured).ToJsonString(JsonOutput.Options));
            }
            else
            {
                Write(request, measured, terminal.Output);
            }
        });
        return verb;
    }

    private static Measured Measure(Request request, Recipe? recipe, KindCatalog kinds, Terminal terminal)
    {
        DataFlags.ThrowIfAbsent(request.Data.Train[0]);
        ObjectiveOptions? asked = request.Task is { } name ? TaskChoice.Named(name) : recipe?.Task;
        LoadedModel loaded = ModelFolder.Open(request.Model, asked is null ? null : TaskChoice.HeadOf(asked), request.Base, kinds);
        IReadOnlyList<DataRow> rows = DataSplit.ReadFile(request.Data.Train[0], request.Data, loaded.Model is not TextModel);
        ObjectiveOptions task = asked ?? TaskChoice.Of(loaded.Config, rows[0]);
        IObjective objective = task.Create();
        objective.Prepare(loaded.ContextOf(request.Data, request.Data.MaxLength, recipe?.Seed ?? DefaultSeed, text => terminal.Error.WriteLine($"note: {text}")), []);

        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = objective.Encode(rows, invalid);
        if (invalid.Count > 0)
        {
            invalid.ForEach(fault => terminal.Error.WriteLine(request.SkipInvalid ? $"left out: {fault.Message}" : $"error {fault.Code}: {fault.Message}"));
            if (!request.SkipInvalid || examples.Count == 0)
            {
                throw new DatasetException(ErrorCodes.DatasetRowInvalid, request.Data.Train[0], 0, 0, $"{invalid.Count} of {rows.Count} rows cannot be used", "Correct them, or pass --skip-invalid");
            }
        }

        IMetric[] metrics = [.. (request.Metrics.Count > 0 ? request.Metrics : objective.DefaultMetrics).Select(BuiltInMetrics.Find)];
        return terminal.During($"measuring {Figures.Count(examples.Count)} rows …", () =>
        {
            Predictions predictions = Evaluation.Run(loaded.Model, objective, examples, metrics, request.BatchSize, recipe?.Seed ?? DefaultSeed).Predictions;
            return new Measured(TaskChoice.NameOf(task), examples.Count, [.. metrics.Select(metric => Interval(metric, predictions))], predictions);
        });
    }

    // Sums over a whole corpus have no rows to draw from.
    private static ConfidenceInterval Interval(IMetric metric, Predictions predictions) => predictions.Count > 1 && (long)predictions.Count * Resamples <= MostDraws
        ? Bootstrap.Interval(metric, predictions, new BootstrapOptions { Resamples = Resamples })
        : new ConfidenceInterval(metric.Name, metric.Compute(predictions), double.NaN, double.NaN, 0, 0, 0);

    private static void Write(Request request, Measured measured, TextWriter output)
    {
        output.WriteLine($"{request.Model}, {measured.Task} on {Figures.Count(measured.Rows)} rows of {request.Data.Train[0]}");
        output.WriteLine();
        var table = new TextColumns("metric", ">value", ">95 % interval");
        foreach (ConfidenceInterval value in measured.Values)
        {
            table.Add(value.Metric, Figures.Metric(value.Value), value.Resamples == 0 ? "–" : $"{Figures.Metric(value.Low)} to {Figures.Metric(value.High)}");
        }

        table.Write(output);
        string? report = measured.Predictions switch
        {
            ClassPredictions or MultiLabelPredictions => ClassificationReport.Of(measured.Predictions).ToText(),
            NumberPredictions numbers => RegressionReport.Of(numbers).ToText(),
            _ => null,
        };
        if (report is not null)
        {
            output.WriteLine();
            output.WriteLine(report.TrimEnd());
        }
    }

    private static JsonObject ToJson(Request request, Measured measured) => new()
    {
        ["model"] = request.Model,
        ["data"] = request.Data.Train[0],
        ["task"] = measured.Task,
        ["rows"] = measured.Rows,
        ["metrics"] = new JsonObject(measured.Values.Select(value => KeyValuePair.Create<string, JsonNode?>(value.Metric, new JsonObject
        {
            ["value"] = JsonOutput.Number(value.Value),
            ["low"] = JsonOutput.Number(value.Low),
            ["high"] = JsonOutput.Number(value.High),
        }))),
        ["report"] = measured.Predictions switch
        {
            ClassPredictions or MultiLabelPredictions => JsonNode.Parse(ClassificationReport.Of(measured.Predictions).ToJson()),
            NumberPredictions numbers => JsonNode.Parse(RegressionReport.Of(numbers).ToJson()),
            _ => null,
        },
    };
}
