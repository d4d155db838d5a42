using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Peak;
using Hieno.Benchmarks.Peers;

namespace Hieno.Benchmarks.Commands;

/// <summary>Measures two contestants that are set up, and the machine with them.</summary>
internal static class Comparison
{
    /// <summary>Runs the duel and makes its report.</summary>
    /// <param name="name">The row.</param>
    /// <param name="ours">Our side.</param>
    /// <param name="peer">The other side: its time is divided by ours.</param>
    /// <param name="settings">Threads and samples.</param>
    /// <param name="matrixFlops">Floating-point operations of the step's matrix products.</param>
    /// <param name="least">The smallest ratio that passes.</param>
    /// <param name="most">The largest ratio that passes.</param>
    /// <param name="mostMemory">The largest share of the peer's memory that passes.</param>
    public static RowReport Run(
        string name,
        Contestant ours,
        Contestant peer,
        ContestSettings settings,
        double matrixFlops,
        double least,
        double most = double.PositiveInfinity,
        double mostMemory = double.PositiveInfinity)
    {
        // The peak is taken on both ends of the row: the clock drifts, and a neighbour may spoil one of them.
        double before = FmaPeak.Measure(settings.Threads);
        DuelResult? result = new Duel(ours, peer, settings.Sampling).Run(out string counts);
        double after = FmaPeak.Measure(settings.Threads);

        return new RowReport(
            name, PeerProcess.Describe(peer), settings.Threads, matrixFlops, Math.Max(before, after), counts, result)
        {
            Least = least,
            Most = most,
            MostMemory = mostMemory,
        };
    }
}
