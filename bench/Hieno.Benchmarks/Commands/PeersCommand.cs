using System.CommandLine;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Peers;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>peers</c>: our training steps beside PyTorch's.</summary>
internal static class PeersCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<string?> only = new("--only") { Description = "Run the row of this name alone." };
        Option<FileInfo?> outFile = new("--out") { Description = "Results file. Default: bench/results/<machine>.md." };
        ContestOptions contest = new();
        Command command = new("peers", "Runs every row's training step and its PyTorch peer alternately and reports the ratio.") { only, outFile };
        contest.AddTo(command);
        command.SetAction(parsed => Run(parsed.GetValue(only), parsed.GetValue(outFile), contest.Read(parsed)));
        return command;
    }

    private static int Run(string? only, FileInfo? outFile, ContestSettings settings)
    {
        IReadOnlyList<IStepBenchmark> rows = only is null ? Rows.All : [Rows.Named(only)];
        if (rows.Count == 0)
        {
            throw new BenchmarkException(ExitCode.Usage, "peers: no row is registered. Add one to Rows.cs, or check the method itself with `selftest`.");
        }

        string python = PythonInstallation.Find(settings.Python);
        PeerEnvironment environment = settings.Environment();
        List<RowReport> reports = [];
        foreach (IStepBenchmark row in rows)
        {
            RowReport report = Measure(row, python, environment, settings);
            Console.WriteLine(report.ToMarkdown());
            reports.Add(report);
        }

        string path = outFile?.FullName ?? ResultsFile.DefaultPath;
        if (reports.Any(report => report.Result is not null))
        {
            ResultsFile.Prepend(path, reports);
            Console.Error.WriteLine($"written to {path}");
        }

        return reports.Any(report => report.Result is null) ? ExitCode.NotQuiet
            : reports.Any(report => !report.Passes) ? ExitCode.Short
            : ExitCode.Pass;
    }

    private static RowReport Measure(IStepBenchmark row, string python, PeerEnvironment environment, ContestSettings settings)
    {
        using Contestant ours = OwnProcess.Start(settings.Threads);
        using Contestant peer = PeerProcess.Start(python, row.Peer, environment);
        ours.Setup(settings.Threads, OwnProcess.TaskFor(row));
        peer.Setup(settings.Threads, row.Peer.Settings);

        return settings.Tuned
            ? Comparison.Run(row.Name, ours, peer, settings, row.MatrixFlops, row.Target, mostMemory: row.MemoryTarget)
            : Comparison.Run($"{row.Name} against {environment.Name}", ours, peer, settings, row.MatrixFlops, row.StockTarget);
    }
}
