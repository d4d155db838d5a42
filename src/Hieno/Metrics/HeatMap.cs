using System.Globalization;
using System.Net;
using System.Text;
using Hieno.Formats.Images.Drawing;

namespace Hieno.Metrics;

// Draws a confusion matrix: rows are right labels, columns predicted ones.
internal static class HeatMap
{
    private const int Cell = 48;
    private const int CharacterWidth = 7; // of the 12 px font, roughly
    private const int LongestName = 24;

    /// <summary>An SVG document; <paramref name="shades"/> are in [0, 1].</summary>
    public static string ToSvg(IReadOnlyList<string> labels, double[,] shades, Func<int, int, string> textOf)
    {
        string[] names = [.. labels.Select(Shortened)];
        int margin = 32 + (CharacterWidth * names.Select(name => name.Length).DefaultIfEmpty(0).Max());
        int size = margin + (Cell * names.Length) + 8;

        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" width=\"{size}\" height=\"{size}\" ");
        svg.Append("role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n<title>Confusion matrix</title>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{size}\" height=\"{size}\" fill=\"#ffffff\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"8\" y=\"{margin - 8}\" fill=\"#555555\">truth \\ predicted</text>\n");

        for (int i = 0; i < names.Length; i++)
        {
            int middle = margin + (Cell * i) + (Cell / 2);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{margin - 6}\" y=\"{middle + 4}\" text-anchor=\"end\">{names[i]}</text>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text transform=\"translate({middle + 4} {margin - 6}) rotate(-90)\">{names[i]}</text>\n");
        }

        for (int t = 0; t < names.Length; t++)
        {
            for (int p = 0; p < names.Length; p++)
            {
                AppendCell(svg, margin + (Cell * p), margin + (Cell * t), shades[t, p], textOf(t, p), $"{names[t]} predicted as {names[p]}");
            }
        }

        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>From white to a dark blue.</summary>
    public static Ink ColourOf(double shade) => new((byte)(255 - (shade * 247)), (byte)(255 - (shade * 207)), (byte)(255 - (shade * 148)));

    private static void AppendCell(StringBuilder svg, int x, int y, double shade, string text, string tip)
    {
        // The number turns white where the cell is dark.
        (byte red, byte green, byte blue) = ColourOf(shade);
        svg.Append(CultureInfo.InvariantCulture, $"<g><title>{tip}: {text}</title>");
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y}\" width=\"{Cell}\" height=\"{Cell}\" fill=\"#{red:x2}{green:x2}{blue:x2}\" stroke=\"#dddddd\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + (Cell / 2)}\" y=\"{y + (Cell / 2) + 4}\" text-anchor=\"middle\" ");
        svg.Append(CultureInfo.InvariantCulture, $"fill=\"{(shade > 0.5 ? "#ffffff" : "#000000")}\">{text}</text></g>\n");
    }

    // Long names are cut before they are escaped, so that no escape is cut in two. Runes keep surrogate pairs whole, and
    // control characters, which XML forbids, become spaces.
    private static string Shortened(string name)
    {
        Rune[] runes = [.. name.EnumerateRunes().Select(rune => Rune.IsControl(rune) ? new Rune(' ') : rune)];
        return runes.Length <= LongestName
            ? WebUtility.HtmlEncode(string.Concat(runes))
            : WebUtility.HtmlEncode(string.Concat(runes.Take(LongestName - 1))) + "…";
    }
}
