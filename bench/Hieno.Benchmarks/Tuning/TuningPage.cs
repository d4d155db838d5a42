using System.Globalization;
using System.Text;

namespace Hieno.Benchmarks.Tuning;

/// <summary>
/// Writes what was measured into a page, between the marks <c>&lt;!-- tuning: NAME --&gt;</c> and <c>&lt;!-- end --&gt;</c> and
/// <c>&lt;!-- rates: NAME --&gt;</c> and <c>&lt;!-- end --&gt;</c>; the words around them stay.
/// </summary>
internal static class TuningPage
{
    private const string End = "<!-- end -->";

    /// <summary>Makes the tables of an experiment anew, and its chart beside the page.</summary>
    /// <exception cref="BenchmarkException">The page lacks a mark.</exception>
    public static void Write(string page, Experiment experiment, TuningResults results)
    {
        List<TuningLine> lines = [.. experiment.Rows.Select(row => TuningLine.Of(experiment, row, results))];
        string text = Replace(page, File.ReadAllText(page), $"<!-- tuning: {experiment.Name} -->", Table(experiment, lines));
        text = Replace(page, text, $"<!-- rates: {experiment.Name} -->", Rates(experiment, lines));
        File.WriteAllText(page, text);
        string chart = Path.Combine(Path.GetDirectoryName(page)!, $"experiments-{experiment.Name}.svg");
        File.WriteAllText(chart, TuningChart.Of(experiment, lines));
    }

    private static string Table(Experiment experiment, List<TuningLine> lines)
    {
        string head = experiment.IsClassification ? "accuracy | macro-F1" : "perplexity";
        string rule = experiment.IsClassification ? "--:|--:" : "--:";
        var text = new StringBuilder($"| | {head} | weights that learn | share | saved, kB | ms a step | peak, MiB | settings |\n|---|{rule}|--:|--:|--:|--:|--:|---|\n");
        foreach (IGrouping<string, TuningLine> group in lines.GroupBy(line => line.Row.Group))
        {
            text.Append(CultureInfo.InvariantCulture, $"| **{group.Key}** | |{(experiment.IsClassification ? " |" : "")} | | | | | |\n");
            foreach (TuningLine line in experiment.IsClassification ? group.OrderByDescending(line => line.Mean(experiment.Metric)) : group.OrderBy(line => line.Mean(experiment.Metric)))
            {
                text.Append(CultureInfo.InvariantCulture, $"| {line.Row.Name} | {(experiment.IsClassification ? $"{line.Spread("accuracy", 100)} | {line.Spread("macro-f1", 100)}" : line.Spread("perplexity", 1))} ");
                text.Append(CultureInfo.InvariantCulture, $"| {line.Trainable} | {line.Share} | {line.Cost("savedBytes", 1e-3, "N0")} | {line.Cost("seconds", 1e3, "0.0")} | {line.Cost("peakBytes", 1 / 1048576.0, "0")} ");
                text.Append(CultureInfo.InvariantCulture, $"| `{line.Settings(experiment)}` |\n");
            }
        }

        return text.ToString();
    }

    private static string Rates(Experiment experiment, List<TuningLine> lines)
    {
        var text = new StringBuilder("| | rates tried: ").Append(experiment.ChoiceMetric).Append(" on held-out training rows |\n|---|---|\n");
        foreach (TuningLine line in lines.Where(line => line.Choice is not null))
        {
            IEnumerable<string> tried = line.Choice!.Tried.Select(item =>
            {
                string value = !double.IsFinite(item.Value) ? "diverged" : experiment.IsClassification ? $"{(100 * item.Value).ToString("0.0", CultureInfo.InvariantCulture)} %" : item.Value.ToString("0.00", CultureInfo.InvariantCulture);
                string both = $"{Experiment.Rate(item.Rate)}: {value}";
                return item.Rate == line.Choice.Best ? $"**{both}**" : both;
            });
            text.Append(CultureInfo.InvariantCulture, $"| {line.Row.Name} | {string.Join(" · ", tried)}{(line.Choice.IsAtEdge ? " (at the edge)" : "")} |\n");
        }

        return text.ToString();
    }

    private static string Replace(string page, string text, string mark, string content)
    {
        int start = text.IndexOf(mark, StringComparison.Ordinal);
        int end = start < 0 ? -1 : text.IndexOf(End, start, StringComparison.Ordinal);
        return end < 0
            ? throw new BenchmarkException(ExitCode.Usage, $"tuning: {page} has no '{mark}' followed by '{End}'. Add both where the table shall stand.")
            : $"{text[..(start + mark.Length)]}\n\n{content}\n{text[end..]}";
    }
}
