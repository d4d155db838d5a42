using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Contest;

/// <summary>One case's figures: seconds of a single call.</summary>
/// <param name="Case">The case.</param>
/// <param name="Ours">Our samples.</param>
/// <param name="Peer">The peer's samples.</param>
internal sealed record CaseResult(BenchmarkCase Case, Series Ours, Series Peer)
{
    /// <summary>Whether both sides have enough clean samples.</summary>
    public bool Measured => Math.Min(Ours.Clean, Peer.Clean) >= DuelOptions.FewestClean;

    /// <summary>The peer's median time ÷ ours: above 1 we are faster.</summary>
    public double Ratio => Peer.Median / Ours.Median;

    /// <summary>Whether the case was measured and reaches its target.</summary>
    public bool Passes => Measured && Ratio >= Case.Target;
}

/// <summary>Runs short cases on two contestants alternately. A sample is as many calls of a case as the counters of disturbance need.</summary>
internal sealed class CasesDuel(Contestant ours, Contestant peer, DuelOptions options)
{
    // The counters of /proc tick every 10 ms, and 3 % of a sample must be visible in the run-queue waits: an eighth of a second is.
    private static readonly TimeSpan s_sample = TimeSpan.FromMilliseconds(125);

    // Pages, caches, the JIT and the peer's memory pool settle within this time, or within one call if that is longer.
    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(60);

    private readonly Interference _interference = new(Environment.ProcessId, ours.ProcessId, peer.ProcessId);

    /// <summary>Builds a case on both sides, checks that they compute the same, and samples it.</summary>
    /// <exception cref="BenchmarkException">The two sides' results differ.</exception>
    public CaseResult Run(BenchmarkCase item)
    {
        double ourCheck = ours.BuildCase(OwnProcess.CaseFor(item)), peerCheck = peer.BuildCase(item.Peer);
        if (Math.Abs(ourCheck - peerCheck) > item.Tolerance * Math.Abs(peerCheck))
        {
            throw new BenchmarkException(
                ExitCode.Failed,
                $"{item.Name}: {ours.Name} computes {ourCheck:G7} and {peer.Name} {peerCheck:G7}: they do not do the same work. Correct the case on one side.");
        }

        int ourCalls = CallsInASample(ours, item), peerCalls = CallsInASample(peer, item);
        Series ourTimes = new(), peerTimes = new();
        for (int round = 0; round < 3 * options.CaseSamples; round++)
        {
            if (ourTimes.Clean >= options.CaseSamples && peerTimes.Clean >= options.CaseSamples)
            {
                break;
            }

            // ours peer, peer ours, as in a row of steps.
            if (round % 2 == 0)
            {
                TakeInto(ourTimes, ours, ourCalls, item.Gap);
                TakeInto(peerTimes, peer, peerCalls, item.Gap);
            }
            else
            {
                TakeInto(peerTimes, peer, peerCalls, item.Gap);
                TakeInto(ourTimes, ours, ourCalls, item.Gap);
            }
        }

        return new CaseResult(item, ourTimes, peerTimes);
    }

    /// <summary>Warms a side and counts the calls that fill a sample.</summary>
    private static int CallsInASample(Contestant contestant, BenchmarkCase item)
    {
        double call = contestant.Repeat(1, item.Gap);
        int warm = Math.Max(1, (int)(s_warmUp.TotalSeconds / (call + item.Gap.TotalSeconds)));
        call = contestant.Repeat(warm, item.Gap) / warm;
        return Math.Max(1, (int)Math.Ceiling(s_sample.TotalSeconds / (call + item.Gap.TotalSeconds)));
    }

    private void TakeInto(Series times, Contestant contestant, int calls, TimeSpan gap)
    {
        QuietMachine.Wait(options.Patience);
        Interference.Reading before = _interference.Read();
        double seconds = contestant.Repeat(calls, gap);
        double disturbed = _interference.Read().Since(before);

        // What disturbs a gap between two calls does no harm, but cannot be told apart: the sample is its calls and gaps.
        times.Add(new Sample(seconds / calls, Sample.IsClean(seconds + (calls * gap.TotalSeconds), disturbed)));
    }
}
