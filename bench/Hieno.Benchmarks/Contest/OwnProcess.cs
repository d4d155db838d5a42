using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;
using Hieno.Benchmarks.Commands;

namespace Hieno.Benchmarks.Contest;

/// <summary>Starts this program again as the child process that runs our side of a row.</summary>
internal static class OwnProcess
{
    /// <summary>Starts the child.</summary>
    /// <param name="threads">Threads it computes with.</param>
    /// <param name="vectors256">Whether it is kept from vectors wider than 256 bits.</param>
    /// <param name="name">Its name in the tables.</param>
    public static Contestant Start(int threads, bool vectors256 = false, string name = "ours")
    {
        ProcessStartInfo start = Again(ServeCommand.Name);
        if (threads != Environment.ProcessorCount)
        {
            start.Environment["DOTNET_PROCESSOR_COUNT"] = threads.ToString("x"); // the runtime reads it as hexadecimal
        }

        if (vectors256)
        {
            start.Environment["DOTNET_EnableAVX512"] = "0"; // a setting of the runtime, read at its start
        }

        return Contestant.Start(name, start);
    }

    /// <summary>What the child is told to set up for <paramref name="row"/>.</summary>
    public static JsonObject TaskFor(IBenchmark row) => new() { ["row"] = row.Name };

    /// <summary>What the child is told to build for <paramref name="item"/>.</summary>
    public static JsonObject CaseFor(BenchmarkCase item) => new() { ["case"] = item.Name };

    /// <summary>Runs another command of this program to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="BenchmarkException">It failed.</exception>
    public static string Run(params ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = Again(arguments);
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == ExitCode.Pass ? output : throw new BenchmarkException(
            process.ExitCode, $"{string.Join(' ', arguments)}: ended with exit code {process.ExitCode}. Run it alone to see why.");
    }

    private static ProcessStartInfo Again(params ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!);
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location); // run as `dotnet Hieno.Benchmarks.dll`
        }

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}
