using System.Text;

namespace Hieno.Benchmarks.Contest;

/// <summary>A row's figures and how they are written: the same Markdown on the console and in the results file.</summary>
/// <param name="Name">The row.</param>
/// <param name="Peer">What the peer said it is.</param>
/// <param name="Threads">Threads on each side.</param>
/// <param name="MatrixFlops">Floating-point operations of the step's matrix products.</param>
/// <param name="PeakFlops">Measured multiply-add peak of this run, operations a second.</param>
/// <param name="Counts">Clean and total samples in words.</param>
/// <param name="Result">The figures, or null where the machine was not quiet.</param>
internal sealed record RowReport(
    string Name, string Peer, int Threads, double MatrixFlops, double PeakFlops, string Counts, DuelResult? Result) : IRowReport
{
    /// <summary>What ends the closing line of a row whose sides do not do the same work.</summary>
    public const string LessWork = " (less work)";

    /// <summary>The smallest ratio that passes.</summary>
    public required double Least { get; init; }

    /// <summary>The largest ratio that passes: without limit, save in the self test.</summary>
    public double Most { get; init; } = double.PositiveInfinity;

    /// <summary>The largest share of the peer's peak memory that passes: without limit in the self test.</summary>
    public double MostMemory { get; init; } = double.PositiveInfinity;

    /// <summary>How the sides' work differs, or null where it is the same.</summary>
    public string? Difference { get; init; }

    /// <inheritdoc/>
    public bool Measured => Result is not null;

    /// <inheritdoc/>
    public bool Passes => Result is { } result && result.Ratio >= Least && result.Ratio <= Most && result.MemoryRatio <= MostMemory;

    /// <inheritdoc/>
    public string ToMarkdown()
    {
        StringBuilder text = new();
        text.AppendLine($"### {Name}").AppendLine();
        string work = Difference is null ? $"; matrix products {MatrixFlops / 1e9:F0} GFLOP a step" : "";
        text.AppendLine($"{Peer}; {Threads} threads; peak {PeakFlops / 1e9:F0} GFLOP/s{work}").AppendLine();
        if (Difference is not null)
        {
            text.AppendLine($"The same result by less work. {Difference}").AppendLine();
        }

        if (Result is not { } result)
        {
            text.AppendLine($"Not reported: the machine was not quiet ({Counts}; at least {DuelOptions.FewestClean} each are needed). Try again when it is idle.");
            return text.ToString();
        }

        text.AppendLine("| | median s/step | best | clean/total | GFLOP/s | share of peak | peak memory, GB | first loss |");
        text.AppendLine("|---|--:|--:|--:|--:|--:|--:|--:|");
        AppendSide(text, result.Ours);
        AppendSide(text, result.Peer);

        string target = double.IsPositiveInfinity(Most) ? $"{Least:F2}" : $"{Least:F2}..{Most:F2}";
        string memory = double.IsPositiveInfinity(MostMemory) ? "" : $" memory={result.MemoryRatio:F3} target={MostMemory:F2}";
        text.AppendLine().AppendLine($"{Name}: ratio={result.Ratio:F3} target={target}{memory} {(Passes ? "pass" : "short")}{(Difference is null ? "" : LessWork)}");
        return text.ToString();
    }

    private void AppendSide(StringBuilder text, DuelSide side)
    {
        double flops = MatrixFlops / side.Times.Median;
        string speed = Difference is null ? $"{flops / 1e9:F0} | {flops / PeakFlops:P0}" : "– | –";
        text.Append($"| {side.Name} | {side.Times.Median:F3} | {side.Times.Best:F3} | {side.Times.Clean}/{side.Times.Total} ");
        text.Append($"| {speed} | {side.PeakMemory / 1e9:F2} | {side.FirstLoss:F3} |");
        text.AppendLine();
    }
}
