using System.Globalization;

namespace Hieno.Benchmarks.Machine;

/// <summary>Memory of a running process as the kernel counts it.</summary>
internal static class ProcessMemory
{
    private const string Field = "VmHWM:";

    /// <summary>The largest resident set the process has had, in bytes.</summary>
    public static long Peak(int process)
    {
        // "VmHWM:     51236 kB"
        string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
        return line is null
            ? throw new BenchmarkException(ExitCode.Failed, $"ProcessMemory: /proc/{process}/status has no {Field} line. Is the process alive?")
            : 1024 * long.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
