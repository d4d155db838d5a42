using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>tuning</c>: the same data tuned in every way, and from scratch, with several seeds; one table, each row with its command.</summary>
/// <remarks>Each run is a process of its own, so that its peak memory is its own.</remarks>
internal static class TuningCommand
{
    private static readonly (string Name, string[] Flags)[] s_methods =
    [
        ("from scratch", ["--start", "random"]),
        ("head", ["--tuning", "head", "--training.learningRate", "1e-2"]),
        ("partial, last 2 blocks", ["--tuning", "partial", "--tuning.lastBlocks", "2"]),
        ("LoRA r8, all linear", ["--tuning", "lora", "--tuning.targets", "all-linear", "--training.learningRate", "3e-3"]),
        ("full", ["--tuning", "full"]),
    ];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipes = new Argument<string[]>("RECIPE") { Description = "Recipes to run, e.g. samples/experiments/banking77.yaml.", Arity = ArgumentArity.OneOrMore };
        var seeds = new Option<int[]>("--seeds") { Description = "Seeds; one run each.", DefaultValueFactory = _ => [1, 2, 3], AllowMultipleArgumentsPerToken = true };
        var output = new Option<string?>("--out") { Description = "A file to write the tables to, besides the screen." };
        Command command = new("tuning", "Tunes by each recipe in every way and from scratch, with several seeds, and prints one table a recipe.") { recipes, seeds, output };
        command.SetAction(parsed =>
        {
            var text = new StringBuilder($"{MachineIdentity.Here}\n");
            foreach (string recipe in parsed.GetRequiredValue(recipes))
            {
                text.Append(Table(recipe, parsed.GetRequiredValue(seeds)));
            }

            Console.Write(text);
            if (parsed.GetValue(output) is { } file)
            {
                File.WriteAllText(file, text.ToString());
            }

            return ExitCode.Pass;
        });
        return command;
    }

    private static string Table(string recipe, int[] seeds)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"\n{Path.GetFileNameWithoutExtension(recipe)}, mean ± deviation over the seeds {string.Join(", ", seeds)}\n\n");
        text.Append("| method | accuracy | macro-F1 | weights that learn | seconds | peak memory, MiB | command |\n|---|--:|--:|--:|--:|--:|---|\n");
        foreach ((string name, string[] flags) in s_methods)
        {
            Result[] results = [.. seeds.Select(seed => Run(recipe, flags, seed))];
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {Spread(results, r => 100 * r.Accuracy)} % | {Spread(results, r => 100 * r.MacroF1)} % | {results[0].Trainable:N0} of {results[0].Total:N0} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Median(results, r => r.Seconds):0.0} | {Median(results, r => r.PeakBytes) / 1048576:0} | `hieno train {recipe} {string.Join(' ', flags)} --seed {seeds[0]}` |\n");
            Console.Error.WriteLine($"{recipe}: {name} done");
        }

        return text.ToString();
    }

    private static Result Run(string recipe, string[] flags, int seed)
    {
        string folder = Path.Combine("runs", "tuning", string.Join('-', [Path.GetFileNameWithoutExtension(recipe), .. flags.Where(f => !f.StartsWith("--", StringComparison.Ordinal)), $"{seed}"]));
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false };
        string cli = Path.Combine(AppContext.BaseDirectory, "..", "..", "Hieno.Cli", "release", "Hieno.Cli.dll");
        foreach (string argument in (ReadOnlySpan<string>)[cli, "train", recipe, .. flags, "--seed", seed.ToString(CultureInfo.InvariantCulture), "--output", folder, "--overwrite", "--quiet"])
        {
            start.ArgumentList.Add(argument);
        }

        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new BenchmarkException(ExitCode.Failed, $"tuning: 'hieno train {recipe} {string.Join(' ', flags)}' ended with exit code {process.ExitCode}. Run it by itself to see why.");
        }

        using JsonDocument report = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "report.json")));
        JsonElement root = report.RootElement;
        JsonElement after = root.GetProperty("after");
        return new Result(
            after.GetProperty("accuracy").GetDouble(),
            after.GetProperty("macro-f1").GetDouble(),
            root.GetProperty("trainableWeights").GetInt64(),
            root.GetProperty("totalWeights").GetInt64(),
            root.GetProperty("seconds").GetDouble(),
            root.GetProperty("peakProcessBytes").GetInt64());
    }

    private static string Spread(Result[] results, Func<Result, double> value)
    {
        double mean = results.Average(value);
        double deviation = results.Length < 2 ? 0 : Math.Sqrt(results.Sum(r => Math.Pow(value(r) - mean, 2)) / (results.Length - 1));
        return $"{mean.ToString("0.0", CultureInfo.InvariantCulture)} ± {deviation.ToString("0.0", CultureInfo.InvariantCulture)}";
    }

    private static double Median(Result[] results, Func<Result, double> value) => results.Select(value).Order().ElementAt(results.Length / 2);

    private sealed record Result(double Accuracy, double MacroF1, long Trainable, long Total, double Seconds, double PeakBytes);
}
