using System.Diagnostics;
using System.Text.Json;
using Hieno.Benchmarks.Machine;
using Hieno.Training;

namespace Hieno.Benchmarks.Tuning;

/// <summary>Times a few steps of each row, each row in a process of its own: its seconds, its peak memory, the bytes it saves.</summary>
/// <param name="results">The results so far.</param>
/// <param name="seconds">No run begins after that many seconds.</param>
internal sealed class CostRuns(TuningResults results, double seconds)
{
    // The first third warms up: code is compiled, and rows of frozen layers are remembered.
    private const int ShortSteps = 96;
    private const int LongSteps = 24;

    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Makes the run of a row if it is missing.</summary>
    /// <returns>False when the time was over before.</returns>
    public bool Complete(Experiment experiment, TuningRow row)
    {
        double rate = row.Rates[0]; // a step takes the same time at every rate
        string hash = experiment.HashOf(Measurement.Cost, row, rate, Experiment.Seeds[0]);
        if (results.Find(hash, Measurement.Cost) is not null)
        {
            return true;
        }

        if (Stopwatch.GetElapsedTime(_start).TotalSeconds > seconds)
        {
            return false;
        }

        TuningResult result = Run(experiment, row, rate, hash);
        results.Add(result);
        Console.Error.WriteLine($"{experiment.Name}: {row.Name}: {result.Values["seconds"] * 1000:0.0} ms a step, {result.Values["peakBytes"] / 1048576:0} MiB, {result.Values["savedBytes"]:N0} bytes");
        return true;
    }

    private static TuningResult Run(Experiment experiment, TuningRow row, double rate, string hash)
    {
        string folder = $"runs/tuning/{experiment.Name}/cost";
        int steps = experiment.IsClassification ? ShortSteps : LongSteps;
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true };
        string cli = Path.Combine(AppContext.BaseDirectory, "..", "..", "Hieno.Cli", "release", "Hieno.Cli.dll");
        string[] flags = experiment.Flags(row, rate, Experiment.Seeds[0]);
        foreach (string argument in (ReadOnlySpan<string>)[cli, "train", experiment.Path, .. flags, "--training.maxSteps", $"{steps}", "--data.test", "null", "--output", folder, "--overwrite", "--quiet"])
        {
            start.ArgumentList.Add(argument);
        }

        QuietMachine.Wait(TimeSpan.FromSeconds(1));
        using Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new BenchmarkException(ExitCode.Failed, $"tuning: 'hieno train {experiment.Path} {string.Join(' ', flags)}' ended with exit code {process.ExitCode}. Run it by itself to see why.");
        }

        using JsonDocument report = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, Report.JsonFileName)));
        return new TuningResult(
            hash, Measurement.Cost, experiment.Name, row.Name, rate, Experiment.Seeds[0],
            report.RootElement.GetProperty("trainableWeights").GetInt64(),
            report.RootElement.GetProperty("totalWeights").GetInt64(),
            new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["seconds"] = MedianStep(folder, steps / 3),
                ["peakBytes"] = report.RootElement.GetProperty("peakProcessBytes").GetInt64(),
                ["savedBytes"] = Directory.EnumerateFiles(Path.Combine(folder, RunFolder.FinalName), "*.safetensors").Sum(file => new FileInfo(file).Length),
            });
    }

    // The median of the times between steps: those with a checkpoint in between are few.
    private static double MedianStep(string folder, int warmUp)
    {
        var times = new List<DateTimeOffset>();
        foreach (string line in File.ReadLines(Path.Combine(folder, RunFolder.EventsFileName)))
        {
            if (JsonSerializer.Deserialize<JsonElement>(line) is var happening && happening.GetProperty("event").GetString() == "step")
            {
                times.Add(happening.GetProperty("time").GetDateTimeOffset());
            }
        }

        double[] steps = [.. times.Skip(warmUp).Zip(times.Skip(warmUp + 1), (first, second) => (second - first).TotalSeconds).Order()];
        return steps[steps.Length / 2];
    }
}
