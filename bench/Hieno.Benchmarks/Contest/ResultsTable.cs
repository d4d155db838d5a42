using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Hieno.Benchmarks.Contest;

/// <summary>One line a row over all runs of a results file: the newest figures, and the range of all of them.</summary>
internal static partial class ResultsTable
{
    /// <summary>Reads the closing line of every row in <paramref name="runs"/>, the newest first.</summary>
    /// <returns>A Markdown table.</returns>
    public static string Of(string runs)
    {
        IEnumerable<IGrouping<string, Outcome>> rows = ClosingLine().Matches(runs)
            .Select(match => new Outcome(
                match.Groups["row"].Value,
                Number(match.Groups["ratio"]),
                match.Groups["target"].Value,
                match.Groups["memory"].Success ? Number(match.Groups["memory"]) : null,
                match.Groups["most"].Value,
                match.Groups["verdict"].Value,
                match.Groups["less"].Success))
            .GroupBy(outcome => outcome.Row)
            .OrderBy(group => group.Key, StringComparer.Ordinal);

        StringBuilder text = new();
        Append(text, rows.Where(row => !row.First().Less));
        if (rows.Any(row => row.First().Less))
        {
            text.Append("\nThe same result by less work, which the peer does the usual way:\n\n");
            Append(text, rows.Where(row => row.First().Less));
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, IEnumerable<IGrouping<string, Outcome>> rows)
    {
        text.Append("| row | ratio, newest | of all runs | target | memory, newest | target | newest run |\n|---|--:|--:|--:|--:|--:|---|\n");
        foreach (IGrouping<string, Outcome> row in rows)
        {
            Outcome newest = row.First();
            string range = $"{row.Min(outcome => outcome.Ratio):F2} to {row.Max(outcome => outcome.Ratio):F2} ({row.Count()})";
            text.Append($"| {newest.Row} | {newest.Ratio:F2} | {range} | {newest.Target} | {newest.Memory:F2} | {newest.MostMemory} | {newest.Verdict} |\n");
        }
    }

    private static double Number(Group group) => double.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    // gpt2-full-fp32: ratio=1.250 target=1.20 memory=0.610 target=0.65 pass
    [GeneratedRegex(@"^(?<row>[^:\n]+): ratio=(?<ratio>[0-9.]+) target=(?<target>[0-9.]+)( memory=(?<memory>[0-9.]+) target=(?<most>[0-9.]+))? (?<verdict>pass|short)(?<less> \(less work\))? *$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex ClosingLine();

    private sealed record Outcome(string Row, double Ratio, string Target, double? Memory, string MostMemory, string Verdict, bool Less);
}
