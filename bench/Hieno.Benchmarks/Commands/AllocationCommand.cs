using System.CommandLine;
using System.Diagnostics;
using Hieno.Benchmarks.Contest;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>allocations</c>: what a warm step asks of the managed heap, and what the collector costs.</summary>
internal static class AllocationCommand
{
    private const string Name = "allocations";
    private const int WarmUp = 2;
    private const int Steps = 3;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<string?> only = new("--only") { Description = "Measure the row of this name alone." };
        Command command = new(Name, "Counts the managed bytes of a warm step, on all threads, and the time spent collecting.") { only };
        command.SetAction(parsed => Run(parsed.GetValue(only)));
        return command;
    }

    private static int Run(string? only)
    {
        Console.WriteLine("| row | bytes a step | s/step | steps between two collections | time spent collecting |");
        Console.WriteLine("|---|--:|--:|--:|--:|");
        if (only is not null)
        {
            Measure(Rows.Steps(only)[0]);
            return ExitCode.Pass;
        }

        // A process for each row: together their models would not fit into memory.
        foreach (IStepBenchmark row in Rows.Steps(null))
        {
            string output = OwnProcess.Run(Name, "--only", row.Name);
            Console.WriteLine(output.TrimEnd().Split('\n')[^1]);
        }

        return ExitCode.Pass;
    }

    private static void Measure(IStepBenchmark row)
    {
        row.Setup();
        for (int i = 0; i < WarmUp; i++)
        {
            row.Step();
        }

        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Steps; i++)
        {
            row.Step();
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / Steps;
        double each = (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)Steps;

        (double between, double pause) = Collection();
        double share = each / between * pause / seconds;
        Console.WriteLine($"| {row.Name} | {each:F0} | {seconds:F3} | {between / each:F0} | {share:P4} |");
    }

    /// <summary>Provokes a collection of the youngest generation: a few steps are too short to see one.</summary>
    /// <returns>The bytes that are allocated between two of them, and the seconds that one stops the program.</returns>
    private static (double Bytes, double Pause) Collection()
    {
        WaitForCollection();
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan paused = GC.GetTotalPauseDuration();
        WaitForCollection();
        return (GC.GetTotalAllocatedBytes(precise: true) - bytes, (GC.GetTotalPauseDuration() - paused).TotalSeconds);
    }

    private static void WaitForCollection()
    {
        int before = GC.CollectionCount(0);
        while (GC.CollectionCount(0) == before)
        {
            GC.KeepAlive(new byte[1024]);
        }
    }
}
