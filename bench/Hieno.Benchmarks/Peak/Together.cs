using System.Diagnostics;
using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Peak;

/// <summary>Runs the same loop on several threads at once and times them as one.</summary>
internal static class Together
{
    /// <summary>The shortest of several runs, in seconds from the first thread's start to the last one's end.</summary>
    /// <remarks>A disturbance can only lengthen a run, so the shortest is the machine's own; it also makes every share of the peak a cautious one.</remarks>
    public static double BestOf(int runs, int threads, Func<int, float> work)
    {
        RunOnce(threads, work); // wakes the processors and compiles the loop
        double best = double.PositiveInfinity;
        for (int run = 0; run < runs; run++)
        {
            QuietMachine.Wait(TimeSpan.FromSeconds(1));
            best = Math.Min(best, RunOnce(threads, work));
        }

        return best;
    }

    private static double RunOnce(int threads, Func<int, float> work)
    {
        long[] starts = new long[threads], ends = new long[threads];
        float[] results = new float[threads];
        using Barrier line = new(threads);
        Thread[] team = new Thread[threads];
        for (int id = 0; id < threads; id++)
        {
            int me = id;
            team[id] = new Thread(() =>
            {
                line.SignalAndWait();
                starts[me] = Stopwatch.GetTimestamp();
                results[me] = work(me);
                ends[me] = Stopwatch.GetTimestamp();
            });
            team[id].Start();
        }

        foreach (Thread thread in team)
        {
            thread.Join();
        }

        return Stopwatch.GetElapsedTime(starts.Min(), ends.Max()).TotalSeconds;
    }
}
