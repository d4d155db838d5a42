using System.Globalization;
using System.Text;

namespace Hieno.Metrics;

// The parts of a report's text that are the same for all tasks.
internal static class MetricTable
{
    /// <summary>Names and values, a line each.</summary>
    public static string Of(IReadOnlyDictionary<string, double> metrics)
    {
        var table = new TextTable(["metric", "value"]);
        foreach ((string name, double value) in metrics)
        {
            table.Add([name, Shown(value)]);
        }

        return table.ToString();
    }

    /// <summary>Four decimals; six significant digits for numbers that those would not show well.</summary>
    public static string Shown(double value) =>
        value.ToString(Math.Abs(value) is 0 or (>= 0.01 and < 10_000) ? "F4" : "G6", CultureInfo.InvariantCulture);

    /// <summary>The text, and a line for each warning.</summary>
    public static string WithWarnings(StringBuilder text, IReadOnlyList<string> warnings)
    {
        for (int i = 0; i < warnings.Count; i++)
        {
            text.Append(i == 0 ? "\n" : string.Empty).Append("warning: ").Append(warnings[i]).Append('\n');
        }

        return text.ToString();
    }
}
