using System.Globalization;

namespace Hieno.Benchmarks.Machine;

/// <summary>How much the rest of the machine disturbed some processes between two moments.</summary>
/// <remarks>
/// Two signs are read. The threads' run-queue wait (<c>/proc/PID/task/TID/schedstat</c>) is exact, but threads
/// of one process also wait for each other: PyTorch as installed runs two pools of threads, which do so all the
/// time on a machine where nothing else runs. The processor time that others used (<c>/proc/stat</c> less our
/// own) tells the two apart, but is counted in ticks of 10 ms. A disturbance shows in both, so the smaller of
/// them bounds it.
/// </remarks>
internal sealed class Interference(params int[] processes)
{
    // Fields of the "cpu" line of /proc/stat that mean work, ours or not: user, nice, system, irq, softirq, and
    // steal, which is another guest of the same host. The rest is idle time, or counted in user already.
    private static readonly int[] BusyFields = [1, 2, 3, 6, 7, 8];

    private const double TicksPerSecond = 100; // USER_HZ: fixed in what Linux tells programs on every architecture we run on

    /// <summary>Both signs at one moment.</summary>
    /// <param name="Threads">Time run and time waited of every thread of the processes, in nanoseconds.</param>
    /// <param name="Busy">Seconds that all processors together have worked.</param>
    public sealed record Reading(IReadOnlyDictionary<int, (long Ran, long Waited)> Threads, double Busy)
    {
        /// <summary>Seconds of disturbance since <paramref name="earlier"/>.</summary>
        public double Since(Reading earlier)
        {
            double ran = 0, waited = 0;
            foreach ((int id, (long Ran, long Waited) now) in Threads)
            {
                (long Ran, long Waited) before = earlier.Threads.GetValueOrDefault(id); // a new thread counts from zero
                ran += (now.Ran - before.Ran) * 1e-9;
                waited += (now.Waited - before.Waited) * 1e-9;
            }

            double others = Busy - earlier.Busy - ran;
            return Math.Max(0, Math.Min(waited, others));
        }
    }

    /// <summary>Reads every thread of the processes, and the machine.</summary>
    /// <exception cref="BenchmarkException">The kernel does not tell.</exception>
    public Reading Read()
    {
        Dictionary<int, (long Ran, long Waited)> threads = [];
        foreach (int process in processes)
        {
            string tasks = $"/proc/{process}/task";
            foreach (string task in Directory.Exists(tasks) ? Directory.GetDirectories(tasks) : throw Unreadable(tasks))
            {
                if (ReadTask(task) is { } times)
                {
                    threads[int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture)] = times;
                }
            }
        }

        return threads.Count > 0 ? new Reading(threads, ReadBusy()) : throw Unreadable($"/proc/{processes[0]}/task/*/schedstat");
    }

    private static (long Ran, long Waited)? ReadTask(string task)
    {
        try
        {
            string[] fields = File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ');
            return (long.Parse(fields[0], CultureInfo.InvariantCulture), long.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null; // the thread ended between the listing and the reading
        }
    }

    private static double ReadBusy()
    {
        // "cpu  31152 0 9034 234157 597 0 112 53 0 0": all processors together, in ticks
        string[] fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return BusyFields.Sum(field => long.Parse(fields[field], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static BenchmarkException Unreadable(string path) => new(
        ExitCode.Failed,
        $"Interference: {path} cannot be read, so a disturbed sample cannot be told from a clean one. Run on Linux with scheduler statistics.");
}
