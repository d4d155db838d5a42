using System.CommandLine;
using System.Globalization;
using Hieno.Benchmarks.Charts;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Machine;
using Hieno.Benchmarks.Workloads;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>cost</c>: tokens a second and memory as rows grow longer and batches larger, as a chart and a table.</summary>
internal static class CostCommand
{
    private const int WarmUp = 2;
    private const double LeastSeconds = 1; // short steps are timed more often: one disturbance must not decide their median

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<FileInfo?> chart = new("--chart") { Description = "The chart. Default: docs/cost.svg." };
        Option<int> samples = new("--samples") { Description = "Timed steps of each size, more where they are short; the median counts.", DefaultValueFactory = _ => 5 };
        Command command = new("cost", "Measures tokens a second and peak memory over the length of rows and the size of batches.") { chart, samples };
        command.SetAction(parsed => Run(
            parsed.GetValue(chart)?.FullName ?? Path.Combine(Repository.Bench, "..", "docs", "cost.svg"), parsed.GetValue(samples)));
        return command;
    }

    private static int Run(string chart, int samples)
    {
        List<CostPoint> lengths = [.. CostSweep.Lengths.Select(length => Measure(1, length, samples))];

        // The shortest row is also the smallest batch.
        List<CostPoint> batches = [lengths[0], .. CostSweep.Batches.Skip(1).Select(batch => Measure(batch, CostSweep.ShortLength, samples))];

        Console.WriteLine($"{CostSweep.Model}; {MachineIdentity.Here}");
        Console.WriteLine();
        Console.WriteLine("| batch | tokens a row | s/step | tokens/s | peak memory, MB |");
        Console.WriteLine("|--:|--:|--:|--:|--:|");
        foreach (CostPoint point in lengths.Concat(batches.Skip(1)))
        {
            Console.WriteLine($"| {point.Batch} | {point.Tokens} | {point.Seconds:F4} | {point.TokensPerSecond:F0} | {point.Memory / 1e6:F0} |");
        }

        File.WriteAllText(chart, Draw(lengths, batches).ToSvg());
        Console.Error.WriteLine($"written to {chart}");
        return ExitCode.Pass;
    }

    // Each size has a process of its own, so that the peak of its memory is its own too.
    private static CostPoint Measure(int batch, int tokens, int samples)
    {
        int threads = Environment.ProcessorCount;
        using Contestant ours = OwnProcess.Start(threads);
        ours.Setup(threads, OwnProcess.TaskFor(Rows.Named(CostSweep.NameOf(batch, tokens))));
        for (int i = 0; i < WarmUp; i++)
        {
            ours.Step();
        }

        List<double> seconds = [];
        while (seconds.Count < samples || seconds.Sum() < LeastSeconds)
        {
            QuietMachine.Wait(TimeSpan.FromSeconds(1));
            seconds.Add(ours.Step().Seconds);
        }

        seconds.Sort();
        double median = seconds[seconds.Count / 2];
        Console.Error.Write($" {batch}x{tokens} {median:F3}");
        return new CostPoint(batch, tokens, median, ours.PeakMemory);
    }

    private static ChartGrid Draw(List<CostPoint> lengths, List<CostPoint> batches)
    {
        const string Length = "tokens in a row (batch of one)";
        string rows = $"rows in a batch ({CostSweep.ShortLength} tokens each)";
        string[] lengthNames = [.. lengths.Select(point => point.Tokens.ToString(CultureInfo.InvariantCulture))];
        string[] batchNames = [.. batches.Select(point => point.Batch.ToString(CultureInfo.InvariantCulture))];
        return new ChartGrid(
            "Cost of a training step as the work grows",
            $"{CostSweep.Model}; {MachineIdentity.Here}",
            [
                new ChartPanel("thousand tokens a second", Length, lengthNames, [.. lengths.Select(point => point.TokensPerSecond / 1e3)]),
                new ChartPanel("thousand tokens a second", rows, batchNames, [.. batches.Select(point => point.TokensPerSecond / 1e3)]),
                new ChartPanel("peak memory, MB", Length, lengthNames, [.. lengths.Select(point => point.Memory / 1e6)]),
                new ChartPanel("peak memory, MB", rows, batchNames, [.. batches.Select(point => point.Memory / 1e6)]),
            ]);
    }

    private sealed record CostPoint(int Batch, int Tokens, double Seconds, long Memory)
    {
        public double TokensPerSecond => Batch * Tokens / Seconds;
    }
}
