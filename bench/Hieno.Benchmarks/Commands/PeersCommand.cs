using System.CommandLine;
using System.Diagnostics;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Peak;
using Hieno.Benchmarks.Peers;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>peers</c>: our training steps and kernels beside PyTorch's.</summary>
internal static class PeersCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<string[]> only = new("--only") { Description = "Run the rows of these names alone.", AllowMultipleArgumentsPerToken = true };
        Option<FileInfo?> outFile = new("--out") { Description = "Results file. Default: bench/results/<machine>.md." };
        Option<string?> cases = new("--case") { Description = "Of a row of cases, run those whose name contains this. Nothing is recorded, unless in the file of --out." };
        ContestOptions contest = new();
        Command command = new("peers", "Runs every row and its PyTorch peer alternately and reports the ratio.") { only, cases, outFile };
        contest.AddTo(command);
        command.SetAction(parsed => Run(parsed.GetValue(only)!, parsed.GetValue(cases), parsed.GetValue(outFile), contest.Read(parsed)));
        return command;
    }

    private static int Run(string[] only, string? cases, FileInfo? outFile, ContestSettings settings)
    {
        IReadOnlyList<IBenchmark> rows = only.Length == 0 ? Rows.All : [.. only.Select(Rows.Named)];
        if (cases is not null)
        {
            rows = Narrow(rows, cases);
        }

        string python = PythonInstallation.Find(settings.Python);
        PeerEnvironment environment = settings.Environment();
        List<IRowReport> reports = [];
        try
        {
            foreach (IBenchmark row in rows)
            {
                IRowReport report = row switch
                {
                    IStepBenchmark step => Measure(step, python, environment, settings),
                    CasesRow of => Measure(of, python, environment, settings),
                    _ => throw new UnreachableException(),
                };
                Console.WriteLine(report.ToMarkdown());
                reports.Add(report);
            }
        }
        finally
        {
            // A row that fails must not take with it the half hour that others took.
            Record(reports, cases is null ? outFile?.FullName ?? ResultsFile.DefaultPath : outFile?.FullName);
        }

        return reports.Any(report => !report.Measured) ? ExitCode.NotQuiet
            : reports.Any(report => !report.Passes) ? ExitCode.Short
            : ExitCode.Pass;
    }

    /// <summary>The rows of cases with those cases alone whose name contains <paramref name="pattern"/>.</summary>
    private static IReadOnlyList<IBenchmark> Narrow(IReadOnlyList<IBenchmark> rows, string pattern)
    {
        CasesRow[] all = [.. rows.OfType<CasesRow>()];
        CasesRow[] left =
        [
            .. all.Select(row => row with { Cases = [.. row.Cases.Where(item => item.Name.Contains(pattern, StringComparison.OrdinalIgnoreCase))] })
                .Where(row => row.Cases.Count > 0),
        ];
        return left.Length > 0 ? left : throw new BenchmarkException(
            ExitCode.Usage,
            $"peers: no case's name contains '{pattern}'. There are: {string.Join("; ", all.SelectMany(row => row.Cases).Select(item => item.Name))}.");
    }

    private static void Record(List<IRowReport> reports, string? path)
    {
        if (path is not null && reports.Any(report => report.Measured))
        {
            ResultsFile.Prepend(path, reports);
            Console.Error.WriteLine($"written to {path}");
        }
    }

    private static RowReport Measure(IStepBenchmark row, string python, PeerEnvironment environment, ContestSettings settings)
    {
        using Contestant ours = OwnProcess.Start(settings.Threads);
        using Contestant peer = PeerProcess.Start(python, row.Peer, environment);
        ours.Setup(settings.Threads, OwnProcess.TaskFor(row));
        peer.Setup(settings.Threads, row.Peer.Settings);

        RowReport report = settings.Tuned
            ? Comparison.Run(row.Name, ours, peer, settings, row.MatrixFlops, row.Target, mostMemory: row.MemoryTarget)
            : Comparison.Run($"{row.Name} against {environment.Name}", ours, peer, settings, row.MatrixFlops, row.StockTarget);
        return report with { Difference = row.Difference };
    }

    private static CasesReport Measure(CasesRow row, string python, PeerEnvironment environment, ContestSettings settings)
    {
        using Contestant ours = OwnProcess.Start(settings.Threads, row.Vectors256);
        using Contestant peer = PeerProcess.Start(python, new PeerTask(row.PeerScript, []), row.Vectors256 ? environment.WithVectors256() : environment);
        ours.Setup(settings.Threads, OwnProcess.TaskFor(row));
        peer.Setup(settings.Threads, []);

        MachinePeak before = MachinePeak.Measure(settings.Threads);
        CasesDuel duel = new(ours, peer, settings.Sampling);
        List<CaseResult> results = [];
        foreach (BenchmarkCase item in row.Cases)
        {
            CaseResult result = duel.Run(item);
            Console.Error.WriteLine(result.Measured ? $"{item.Name}: {result.Ratio:F2}" : $"{item.Name}: not quiet");
            results.Add(result);
        }

        string name = settings.Tuned ? row.Name : $"{row.Name} against {environment.Name}";
        return new CasesReport(name, PeerProcess.Describe(peer), settings.Threads, before.Or(MachinePeak.Measure(settings.Threads)), results);
    }
}
