using System.Globalization;

namespace Hieno.Cli;

/// <summary>Numbers in lists on the command line.</summary>
internal static class Numbers
{
    /// <summary>A finite number, written with a point.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static double Parse(string text, string option) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : throw new UsageException($"{option}: '{text}' is not a number. Write it like 0.5.");
}
