using System.CommandLine;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Peers;
using Hieno.Benchmarks.Workloads;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>selftest</c>: the peer against itself. A sound method finds a ratio of one.</summary>
internal static class SelfTestCommand
{
    // Two identical processes on a quiet machine differ by about this much; a harness that favours a side, by more.
    private const double Tolerance = 0.05;

    // GPT-2's width and vocabulary with two blocks: long enough to time, small enough for two copies in memory.
    private static readonly Gpt2Workload Workload = new() { Layers = 2 };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        ContestOptions contest = new();
        Command command = new("selftest", "Compares the PyTorch peer with a second copy of itself: the ratio must be 1.");
        contest.AddTo(command);
        command.SetAction(parsed => Run(contest.Read(parsed)));
        return command;
    }

    private static int Run(ContestSettings settings)
    {
        string python = PythonInstallation.Find(settings.Python);
        PeerEnvironment environment = settings.Environment();
        PeerTask task = Workload.ToPeer();

        using Contestant first = PeerProcess.Start(python, task, environment, "first");
        using Contestant second = PeerProcess.Start(python, task, environment, "second");
        first.Setup(settings.Threads, task.Settings);
        second.Setup(settings.Threads, task.Settings);

        RowReport report = Comparison.Run(
            "selftest", first, second, settings, Workload.MatrixFlops(), least: 1 - Tolerance, most: 1 + Tolerance);
        Console.WriteLine(report.ToMarkdown());
        return report.Result is null ? ExitCode.NotQuiet : report.Passes ? ExitCode.Pass : ExitCode.Short;
    }
}
