using System.CommandLine;
using System.Text;
using Hieno.Benchmarks.Contest;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>scaling</c>: what a second thread brings, for our own steps.</summary>
internal static class ScalingCommand
{
    // A step of matrix products should be limited by arithmetic, of which the second core has as much as the first.
    private const double Target = 1.85;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<string?> only = new("--only") { Description = "Measure the row of this name alone." };
        Option<FileInfo?> outFile = new("--out") { Description = "Results file. Default: bench/results/<machine>.md." };
        Option<int> samples = new("--samples") { Description = "Clean samples wanted on each side.", DefaultValueFactory = _ => 5 };
        Command command = new("scaling", "Runs every row's step with one thread and with two, alternately, and reports the ratio.") { only, outFile, samples };
        command.SetAction(parsed => Run(parsed.GetValue(only), parsed.GetValue(outFile), parsed.GetValue(samples)));
        return command;
    }

    private static int Run(string? only, FileInfo? outFile, int samples)
    {
        if (Environment.ProcessorCount < 2)
        {
            throw new BenchmarkException(ExitCode.Usage, "scaling: this machine has one processor. Run it where there are two.");
        }

        // Our own steps settle after the first: everything is compiled, and the pool has its memory.
        var options = new DuelOptions { Samples = samples, WarmUp = 2 };
        StringBuilder table = new("### Scaling from 1 to 2 threads\n\n| row | 1 thread, s | 2 threads, s | clean/total |\n|---|--:|--:|--:|\n");
        StringBuilder lines = new("\n");
        (bool quiet, bool reached) = (true, true);
        foreach (IStepBenchmark row in Rows.Steps(only))
        {
            if (Measure(row, options, out string counts) is not { } result)
            {
                quiet = false;
                table.Append($"| {row.Name} | not quiet: {counts} | | |\n");
                continue;
            }

            bool passes = result.Ratio >= Target;
            reached &= passes;
            (Series one, Series two) = (result.Peer.Times, result.Ours.Times);
            table.Append($"| {row.Name} | {one.Median:F3} | {two.Median:F3} | {one.Clean}/{one.Total}, {two.Clean}/{two.Total} |\n");
            lines.Append($"{row.Name} with a second thread: ratio={result.Ratio:F3} target={Target:F2} {(passes ? "pass" : "short")}  \n");
        }

        string section = table.Append(lines).ToString();
        Console.WriteLine(section);
        ResultsFile.Prepend(outFile?.FullName ?? ResultsFile.DefaultPath, [section]);
        return !quiet ? ExitCode.NotQuiet : reached ? ExitCode.Pass : ExitCode.Short;
    }

    private static DuelResult? Measure(IStepBenchmark row, DuelOptions options, out string counts)
    {
        using Contestant two = OwnProcess.Start(2, name: "2 threads");
        using Contestant one = OwnProcess.Start(1, name: "1 thread");
        two.Setup(2, OwnProcess.TaskFor(row));
        one.Setup(1, OwnProcess.TaskFor(row));
        return new Duel(two, one, options).Run(out counts);
    }
}
