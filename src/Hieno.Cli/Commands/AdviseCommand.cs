using System.CommandLine;
using System.Text.Json.Nodes;
using Hieno.Advice;
using Hieno.Cli.Training;
using Hieno.Formats.Durable;
using Hieno.Plugins;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno advise RECIPE</c>: what the settings should be, and why.</summary>
internal static class AdviseCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "advise",
            "Looks at a recipe's data, its base model and the memory at hand, and says what its settings should be, each with its reason and source. "
            + "Prints what a run would warn of, and the settings to change as a piece of a recipe. Trains nothing.",
            "hieno advise quickstart.yaml",
            "hieno advise quickstart.yaml --tuning lora",
            "hieno advise quickstart.yaml --apply advised.yaml");
        var recipe = new RecipeArguments(verb);
        Option<string?> apply = verb.Text("--apply", "FILE", "Writes the recipe with every advice followed, all settings written out, to a new .yaml or .json file.");
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        verb.SetAction(parsed =>
        {
            RecipeBinding<Recipe> bound = recipe.Bind(parsed, terminal);

            string? file = parsed.GetValue(apply);
            if (file is not null && (File.Exists(file) || !IsRecipe(file)))
            {
                throw new UsageException(File.Exists(file) ? $"--apply: '{file}' exists already. Give a new file." : $"--apply: '{file}' does not end in .yaml or .json. Give such a file.");
            }

            AdviceReport report = terminal.During("looking at rows and model …", () => Adviser.Advise(bound.Value));
            if (parsed.GetValue(json))
            {
                terminal.WriteLine(ToJson(report).ToJsonString(JsonOutput.Options));
            }
            else
            {
                Write(report, recipe.Path(parsed), terminal.Output);
            }

            if (file is not null)
            {
                KindCatalog kinds = Plugin.Add(bound.Value.Plugins);
                DurableFile.ReplaceText(file, file.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? RecipeWriter.ToJson(report.Advised, kinds) : RecipeWriter.ToYaml(report.Advised, kinds));
                terminal.Error.WriteLine($"written: {file}");
            }
        });
        return verb;
    }

    private static bool IsRecipe(string file) => Path.GetExtension(file).ToLowerInvariant() is ".yaml" or ".yml" or ".json";

    private static void Write(AdviceReport report, string path, TextWriter output)
    {
        output.WriteLine($"{path}: {report.Task} from {Figures.Count(report.TrainingRows)} rows, on {report.Recipe.Base} ({Figures.Count(report.Weights)} weights, {report.Blocks} blocks of width {report.Width})");
        output.WriteLine(report.Similarity is { } similarity
            ? $"similarity {Figures.Number(similarity.Score, 2)} of 1: {similarity.Measured}"
            : report.Recipe.Start == Start.Random ? "similarity unknown: the weights start at random" : "similarity unknown: there is no measure for this task");
        output.WriteLine();
        var table = new TextColumns("setting", "now", "advised", string.Empty);
        foreach (Recommendation item in report.Recommendations)
        {
            table.Add(item.Setting, item.Now, item.Advised, item.IsFollowed ? string.Empty : "← change");
        }

        table.Write(output);
        output.WriteLine();
        foreach (Recommendation item in report.Recommendations)
        {
            output.WriteLine($"{item.Setting}: {item.Reason}");
            output.WriteLine($"    source: {item.Source}");
        }

        WriteMemory(report, output);
        foreach (RunWarning warning in report.Warnings)
        {
            output.WriteLine();
            output.WriteLine(EventText.Of(warning));
        }

        output.WriteLine();
        output.WriteLine(report.Snippet.Length == 0 ? "nothing to change" : "to change in the recipe:");
        if (report.Snippet.Length > 0)
        {
            output.WriteLine();
            output.Write(report.Snippet);
        }
    }

    private static void WriteMemory(AdviceReport report, TextWriter output)
    {
        if (report.Memory.Count == 0)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine($"predicted memory, of {Figures.Bytes(report.FreeBytes)} free:");
        var table = new TextColumns("tuning", ">learn", ">weights", ">optimizer", ">step", ">in all", string.Empty);
        foreach (MemoryForecast item in report.Memory)
        {
            table.Add(
                item.Method, Figures.Count(item.Trainable), Figures.Bytes(item.WeightBytes), Figures.Bytes(item.OptimizerBytes), Figures.Bytes(item.StepBytes), Figures.Bytes(item.TotalBytes),
                item.TotalBytes <= report.FreeBytes ? string.Empty : "does not fit");
        }

        table.Write(output, "  ");
    }

    private static JsonObject ToJson(AdviceReport report) => new()
    {
        ["task"] = report.Task,
        ["base"] = report.Recipe.Base,
        ["rows"] = report.TrainingRows,
        ["weights"] = report.Weights,
        ["similarity"] = report.Similarity is { } similarity ? new JsonObject { ["score"] = similarity.Score, ["measured"] = similarity.Measured } : null,
        ["advice"] = new JsonArray([.. report.Recommendations.Select(item => new JsonObject
        {
            ["setting"] = item.Setting, ["now"] = item.Now, ["advised"] = item.Advised, ["followed"] = item.IsFollowed, ["reason"] = item.Reason, ["source"] = item.Source,
        })]),
        ["memory"] = new JsonArray([.. report.Memory.Select(item => new JsonObject
        {
            ["tuning"] = item.Method, ["trainable"] = item.Trainable, ["weightBytes"] = item.WeightBytes, ["optimizerBytes"] = item.OptimizerBytes,
            ["stepBytes"] = item.StepBytes, ["totalBytes"] = item.TotalBytes, ["fits"] = item.TotalBytes <= report.FreeBytes,
        })]),
        ["freeBytes"] = report.FreeBytes,
        ["warnings"] = new JsonArray([.. report.Warnings.Select(warning => new JsonObject { ["id"] = warning.Id, ["text"] = warning.Text })]),
        ["changes"] = report.Snippet,
    };
}
