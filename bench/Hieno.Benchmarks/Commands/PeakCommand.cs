using System.CommandLine;
using Hieno.Benchmarks.Machine;
using Hieno.Benchmarks.Peak;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>peak</c>: what the machine can do at most, in arithmetic and in memory traffic.</summary>
internal static class PeakCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("peak", "Measures the float32 multiply-add peak and the memory bandwidth.");
        command.SetAction(_ => Run());
        return command;
    }

    private static int Run()
    {
        Console.WriteLine($"{MachineIdentity.Here}; the best of 7 runs each");
        Console.WriteLine();
        Console.WriteLine("| | 1 core | all cores |");
        Console.WriteLine("|---|--:|--:|");
        Print($"float32 multiply-add, {FmaPeak.VectorBits} bit, GFLOP/s", FmaPeak.Measure);
        Print("read, GB/s", MemoryBandwidth.Read);
        Print("copy (read + write), GB/s", MemoryBandwidth.Copy);
        return ExitCode.Pass;
    }

    private static void Print(string what, Func<int, double> measure) =>
        Console.WriteLine($"| {what} | {measure(1) / 1e9:F1} | {measure(MachineIdentity.Here.Cores) / 1e9:F1} |");
}
