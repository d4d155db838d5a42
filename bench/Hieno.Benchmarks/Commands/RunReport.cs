using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Hieno.Benchmarks.Commands;

/// <summary>What a run of the program reached and cost, from its report.</summary>
internal sealed record RunReport(double Accuracy, long Trainable, double PeakStepBytes, long OptimizerBytes)
{
    /// <summary>Runs <c>hieno train RECIPE FLAGS</c> in a process of its own, so that its peak memory is its own.</summary>
    public static RunReport Of(string recipe, string[] flags, int seed)
    {
        string folder = Path.Combine("runs", "optimizers", string.Join('-', [Path.GetFileNameWithoutExtension(recipe), .. flags.Where(f => !f.StartsWith("--", StringComparison.Ordinal)), $"{seed}"]));
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
            throw new BenchmarkException(ExitCode.Failed, $"'hieno train {recipe} {string.Join(' ', flags)}' ended with exit code {process.ExitCode}. Run it by itself to see why.");
        }

        using JsonDocument report = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "report.json")));
        JsonElement root = report.RootElement;
        return new RunReport(
            root.GetProperty("after").GetProperty("accuracy").GetDouble(),
            root.GetProperty("trainableWeights").GetInt64(),
            root.GetProperty("peakStepBytes").GetInt64(),
            root.GetProperty("optimizerBytes").GetInt64());
    }
}
