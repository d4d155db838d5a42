using System.Text;
using Hieno.Benchmarks.Peak;

namespace Hieno.Benchmarks.Contest;

/// <summary>The figures of a row of cases: a table with a line for each.</summary>
/// <param name="Name">The row.</param>
/// <param name="Peer">What the peer said it is.</param>
/// <param name="Threads">Threads on each side.</param>
/// <param name="Machine">What the machine can do.</param>
/// <param name="Results">The cases.</param>
internal sealed record CasesReport(string Name, string Peer, int Threads, MachinePeak Machine, IReadOnlyList<CaseResult> Results) : IRowReport
{
    /// <inheritdoc/>
    public bool Measured => Results.All(result => result.Measured);

    /// <inheritdoc/>
    public bool Passes => Results.All(result => result.Passes);

    /// <inheritdoc/>
    public string ToMarkdown()
    {
        StringBuilder text = new();
        text.AppendLine($"### {Name}").AppendLine();
        text.AppendLine($"{Peer}; {Threads} threads; peak {Machine.Flops / 1e9:F0} GFLOP/s, {Machine.BytesPerSecond / 1e9:F1} GB/s").AppendLine();
        text.AppendLine("| case | ours, ms | peer, ms | ratio | target | | ours | peer | share of peak | clean/total |");
        text.AppendLine("|---|--:|--:|--:|--:|---|--:|--:|--:|--:|");
        foreach (CaseResult result in Results)
        {
            Append(text, result);
        }

        text.AppendLine();
        if (Results.Where(result => result.Measured).MinBy(result => result.Ratio / result.Case.Target) is not { } least)
        {
            text.AppendLine("Not reported: the machine was not quiet. Try again when it is idle.");
            return text.ToString();
        }

        int passed = Results.Count(result => result.Passes);
        text.AppendLine($"{passed} of {Results.Count} cases reach their target; nearest to it, or furthest below: {least.Case.Name}").AppendLine();
        text.AppendLine($"{Name}: ratio={least.Ratio:F3} target={least.Case.Target:F2} {(Passes ? "pass" : "short")}");
        return text.ToString();
    }

    private void Append(StringBuilder text, CaseResult result)
    {
        string counts = $"{result.Ours.Clean}/{result.Ours.Total}, {result.Peer.Clean}/{result.Peer.Total}";
        if (!result.Measured)
        {
            text.AppendLine($"| {result.Case.Name} | – | – | – | {result.Case.Target:F2} | not quiet | – | – | – | {counts} |");
            return;
        }

        CaseWork work = result.Case.Work;
        double peak = work.IsMemory ? Machine.BytesPerSecond : Machine.Flops;
        double ours = work.Amount / result.Ours.Median, peer = work.Amount / result.Peer.Median;
        string unit = work.IsMemory ? "GB/s" : "GFLOP/s";
        text.Append($"| {result.Case.Name} | {result.Ours.Median * 1e3:F3} | {result.Peer.Median * 1e3:F3} | {result.Ratio:F2} | {result.Case.Target:F2} ");
        text.AppendLine($"| {(result.Passes ? "pass" : "short")} | {ours / 1e9:F0} {unit} | {peer / 1e9:F0} {unit} | {ours / peak:P0} | {counts} |");
    }
}
