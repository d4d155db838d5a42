using System.Diagnostics;
using System.Globalization;

namespace Hieno.Benchmarks.Machine;

/// <summary>Waits until nobody but this thread wants a processor.</summary>
internal static class QuietMachine
{
    private const string Field = "procs_running ";

    // One look can fall into a gap of a busy neighbour: three in a row, a few milliseconds apart, seldom do.
    private const int Looks = 3;

    /// <summary>Waits for a quiet machine, at most <paramref name="patience"/>.</summary>
    /// <returns>Whether it became quiet. Where it did not, the sample may still turn out clean: its own measure decides.</returns>
    public static bool Wait(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        for (int quiet = 0; quiet < Looks;)
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
            {
                return false;
            }

            quiet = Running() <= 1 ? quiet + 1 : 0; // one is this thread
            Thread.Sleep(quiet > 0 ? 5 : 20);
        }

        return true;
    }

    private static int Running()
    {
        string? line = File.ReadLines("/proc/stat").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
        return line is null
            ? throw new BenchmarkException(ExitCode.Failed, "QuietMachine: /proc/stat has no procs_running. Run on Linux.")
            : int.Parse(line.AsSpan(Field.Length), CultureInfo.InvariantCulture);
    }
}
