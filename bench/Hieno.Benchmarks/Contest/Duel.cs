using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Contest;

/// <summary>How a comparison is sampled.</summary>
internal sealed record DuelOptions
{
    /// <summary>Fewer clean samples than this on either side are not evidence.</summary>
    public const int FewestClean = 3;

    /// <summary>Clean samples wanted on each side. Default 9: the median then has four on either hand.</summary>
    public int Samples { get; init; } = 9;

    /// <summary>Clean samples wanted on each side of every case of a row of cases. Default 5.</summary>
    public int CaseSamples { get; init; } = 5;

    /// <summary>Untimed steps before the first sample. PyTorch needs two to four to settle; both sides get five.</summary>
    public int WarmUp { get; init; } = 5;

    /// <summary>The longest wait for a quiet machine before a sample. Default 10 seconds.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After this many samples a side the run gives up hoping for clean ones.</summary>
    public int MostSamples => 3 * Samples;
}

/// <summary>The outcome of a comparison that could be measured.</summary>
internal sealed record DuelResult(DuelSide Ours, DuelSide Peer)
{
    /// <summary>The peer's median time ÷ ours: above 1 we are faster.</summary>
    public double Ratio => Peer.Times.Median / Ours.Times.Median;

    /// <summary>Our peak memory ÷ the peer's: below 1 we need less.</summary>
    public double MemoryRatio => (double)Ours.PeakMemory / Peer.PeakMemory;
}

/// <summary>One side's figures.</summary>
/// <param name="Name">Who.</param>
/// <param name="Times">The samples.</param>
/// <param name="FirstLoss">Loss of the very first step: that of the untrained model.</param>
/// <param name="PeakMemory">Largest resident memory in bytes.</param>
internal sealed record DuelSide(string Name, Series Times, double FirstLoss, long PeakMemory);

/// <summary>Runs two contestants alternately on one machine and keeps the samples that nobody disturbed.</summary>
internal sealed class Duel(Contestant ours, Contestant peer, DuelOptions options)
{
    private readonly Interference _interference = new(Environment.ProcessId, ours.ProcessId, peer.ProcessId);

    /// <summary>Warms both sides, then samples until both have enough.</summary>
    /// <returns>The figures, or null where a side has fewer than <see cref="DuelOptions.FewestClean"/> clean samples.</returns>
    public DuelResult? Run(out string counts)
    {
        double ourFirst = Warm(ours), peerFirst = Warm(peer);

        Series ourTimes = new(), peerTimes = new();
        for (int round = 0; round < options.MostSamples; round++)
        {
            if (ourTimes.Clean >= options.Samples && peerTimes.Clean >= options.Samples)
            {
                break;
            }

            // ours peer, peer ours, ours peer, …: a drift of the clock then favours neither side.
            if (round % 2 == 0)
            {
                TakeInto(ourTimes, ours);
                TakeInto(peerTimes, peer);
            }
            else
            {
                TakeInto(peerTimes, peer);
                TakeInto(ourTimes, ours);
            }
        }

        Console.Error.WriteLine();
        counts = $"clean samples: {ours.Name} {ourTimes.Clean}/{ourTimes.Total}, {peer.Name} {peerTimes.Clean}/{peerTimes.Total}";
        return Math.Min(ourTimes.Clean, peerTimes.Clean) < DuelOptions.FewestClean
            ? null
            : new DuelResult(
                new DuelSide(ours.Name, ourTimes, ourFirst, ours.PeakMemory),
                new DuelSide(peer.Name, peerTimes, peerFirst, peer.PeakMemory));
    }

    private double Warm(Contestant contestant)
    {
        double first = contestant.Step().Loss;
        for (int i = 1; i < options.WarmUp; i++)
        {
            contestant.Step();
        }

        return first;
    }

    private void TakeInto(Series times, Contestant contestant)
    {
        // The wait also lets the other side's threads, which spin for a while after a step, fall asleep.
        QuietMachine.Wait(options.Patience);

        Interference.Reading before = _interference.Read();
        StepReply reply = contestant.Step();
        Sample sample = new(reply.Seconds, Sample.IsClean(reply.Seconds, _interference.Read().Since(before)));
        times.Add(sample);
        Console.Error.Write($" {contestant.Name} {sample.Seconds:F3}{(sample.Clean ? "" : "*")}");
    }
}
