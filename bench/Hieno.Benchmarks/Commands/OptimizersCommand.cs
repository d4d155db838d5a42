using System.CommandLine;
using System.Globalization;
using System.Text;
using Hieno.Optimizers;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>optimizers</c>: the same data tuned with every optimizer, each with its default settings; one table of what it remembers and reaches.</summary>
internal static class OptimizersCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string>("RECIPE") { Description = "The recipe to run, e.g. samples/quickstart/recipe.yaml." };
        var rate = new Option<double>("--rate") { Description = "AdamW's learning rate, which each optimizer turns into its own.", DefaultValueFactory = _ => 1e-3 };
        var only = new Option<string?>("--only") { Description = "A part of the names of the rows that are wanted." };
        Command command = new("optimizers", "Tunes by a recipe with every optimizer, and prints a table of the memory that each takes.") { recipe, rate, only };
        command.SetAction(parsed =>
        {
            Console.Write(Table(parsed.GetRequiredValue(recipe), parsed.GetValue(rate), parsed.GetValue(only) ?? ""));
            return ExitCode.Pass;
        });
        return command;
    }

    private static string Table(string recipe, double rate, string only)
    {
        var text = new StringBuilder("| optimizer | rate | bytes for each weight | steps' memory, MiB | accuracy |\n|---|--:|--:|--:|--:|\n");
        foreach ((string name, double ownRate, string[] flags) in Rows(rate).Where(row => row.Name.Contains(only, StringComparison.Ordinal)))
        {
            RunReport report = RunReport.Of(recipe, ["--training.learningRate", ownRate.ToString(CultureInfo.InvariantCulture), .. flags], seed: 1);
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {ownRate} | {(double)report.OptimizerBytes / report.Trainable:0.00} | {report.PeakStepBytes / 1048576.0:0.0} | {report.Accuracy:0.0000} |\n");
            Console.Error.WriteLine($"{recipe}: {name} done");
        }

        return text.ToString();
    }

    private static IEnumerable<(string Name, double Rate, string[] Flags)> Rows(double rate)
    {
        // GaLore's default rank leaves small models whole; it has rows of its own below.
        foreach ((string kind, Type type) in BuiltIns.Kinds().KindsOf(typeof(OptimizerOptions)).Where(kind => kind.Value != typeof(GaLoreOptions)))
        {
            var options = (OptimizerOptions)Activator.CreateInstance(type)!;
            yield return ($"`{kind}`", options.DefaultLearningRate(rate), ["--training.optimizer", kind]);
        }

        yield return ("`adamw`, LISA with 1 block", rate, ["--training.optimizer", "adamw", "--training.lisa.layers", "1"]);
        yield return ("`adamw-8bit`, tables too", rate, ["--training.optimizer", "adamw-8bit", "--training.optimizer.keepEmbeddings", "false"]);
        yield return ("`galore`, rank 16", rate, ["--training.optimizer", "galore", "--training.optimizer.rank", "16", "--training.optimizer.scale", "1"]);
        yield return ("`galore`, rank 16, over `adamw-8bit`", rate, ["--training.optimizer", "galore", "--training.optimizer.rank", "16", "--training.optimizer.scale", "1", "--training.optimizer.inner", "adamw-8bit"]);
    }
}
