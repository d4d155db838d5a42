using System.Globalization;

namespace Hieno.Cli;

/// <summary>Numbers as people read them, the same in every country.</summary>
internal static class Figures
{
    /// <summary>12,802.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Up to <paramref name="decimals"/> decimals, without trailing zeros.</summary>
    public static string Number(double value, int decimals = 1) => Math.Round(value, decimals).ToString("0." + new string('#', decimals), CultureInfo.InvariantCulture);

    /// <summary>Four decimals, as reports have it.</summary>
    public static string Metric(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    /// <summary>Two digits, e.g. 2.0e-5.</summary>
    public static string Rate(double value) => value.ToString("0.0e-0", CultureInfo.InvariantCulture);

    /// <summary>A share of a whole, e.g. 9.566 %; "under 0.001 %" where it is not quite nothing.</summary>
    public static string Share(long part, long whole)
    {
        double percent = whole == 0 ? 0 : 100.0 * part / whole;
        return percent is > 0 and < 0.001 ? "under 0.001 %" : $"{Number(percent, 3)} %";
    }

    /// <summary>512 B, 1.5 KiB, 48 MiB, …</summary>
    public static string Bytes(double value)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        while (value >= 1024 && unit < units.Length - 1)
        {
            (value, unit) = (value / 1024, unit + 1);
        }

        return $"{Number(value, value < 10 && unit > 0 ? 1 : 0)} {units[unit]}";
    }

    /// <summary>Floating-point operations: 512, 1.54 K, 48.3 M, 1.2 G, 3.4 T.</summary>
    public static string Operations(double value)
    {
        string[] units = [string.Empty, " K", " M", " G", " T", " P"];
        int unit = 0;
        while (value >= 1000 && unit < units.Length - 1)
        {
            (value, unit) = (value / 1000, unit + 1);
        }

        return Number(value, unit == 0 ? 0 : 2) + units[unit];
    }

    /// <summary>4.2 s, 3 min 20 s, 2 h 5 min.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 10 => $"{Number(Math.Max(0, seconds))} s",
        < 60 => $"{Number(seconds, 0)} s",
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60} min {(int)seconds % 60} s"),
        < 1e9 => string.Create(CultureInfo.InvariantCulture, $"{(long)seconds / 3600} h {(long)seconds % 3600 / 60} min"),
        _ => "unknown",
    };

    /// <summary>Names and values on one line: <c>accuracy 0.9182, macro-f1 0.9170</c>.</summary>
    public static string Metrics(IReadOnlyDictionary<string, double> values) => string.Join(", ", values.Select(pair => $"{pair.Key} {Metric(pair.Value)}"));
}
