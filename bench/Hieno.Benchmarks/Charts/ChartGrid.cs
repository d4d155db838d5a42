using System.Net;
using System.Text;

namespace Hieno.Benchmarks.Charts;

/// <summary>One small line chart.</summary>
/// <param name="Value">What the vertical axis shows, and its unit.</param>
/// <param name="Axis">What the horizontal axis shows.</param>
/// <param name="Names">The points' names, evenly spaced: a doubling each is the same step, as on a logarithmic axis.</param>
/// <param name="Values">One number a point, not negative. The vertical axis starts at zero.</param>
internal sealed record ChartPanel(string Value, string Axis, IReadOnlyList<string> Names, IReadOnlyList<double> Values);

/// <summary>Line charts in two columns, as an SVG file that needs no font and no script.</summary>
/// <param name="Title">The headline.</param>
/// <param name="Subtitle">What was measured, and where.</param>
/// <param name="Panels">The charts, row by row.</param>
internal sealed record ChartGrid(string Title, string Subtitle, IReadOnlyList<ChartPanel> Panels)
{
    // Pixels. A cell holds one panel; the plot lies inside it, with room for the axis labels.
    private const int Columns = 2;
    private const int CellWidth = 440;
    private const int CellHeight = 240;
    private const int Head = 64;
    private const int Left = 58;
    private const int Right = 22;
    private const int Top = 34;
    private const int Bottom = 44;
    private const int GridLines = 4;

    /// <summary>The charts as the text of an SVG file.</summary>
    public string ToSvg()
    {
        (int width, int height) = (Columns * CellWidth, Head + ((Panels.Count + Columns - 1) / Columns * CellHeight));
        StringBuilder svg = new();
        svg.Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n");
        svg.Append($"<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n");
        svg.Append($"<text x=\"20\" y=\"28\" font-size=\"17\" font-weight=\"bold\">{WebUtility.HtmlEncode(Title)}</text>\n");
        svg.Append($"<text x=\"20\" y=\"48\">{WebUtility.HtmlEncode(Subtitle)}</text>\n");
        for (int i = 0; i < Panels.Count; i++)
        {
            Draw(svg, Panels[i], i % Columns * CellWidth, Head + (i / Columns * CellHeight));
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Draw(StringBuilder svg, ChartPanel panel, int cellX, int cellY)
    {
        (double x0, double x1) = (cellX + Left, cellX + CellWidth - Right);
        (double y0, double y1) = (cellY + CellHeight - Bottom, cellY + Top);
        double step = RoundStep(panel.Values.Max() / GridLines);
        double top = step * GridLines;

        svg.Append($"<text x=\"{cellX + 20}\" y=\"{cellY + 18}\" font-weight=\"bold\">{WebUtility.HtmlEncode(panel.Value)}</text>\n");
        svg.Append($"<text x=\"{(x0 + x1) / 2:F0}\" y=\"{y0 + 36:F0}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(panel.Axis)}</text>\n");
        for (int i = 0; i <= GridLines; i++)
        {
            double y = y0 + ((y1 - y0) * i / GridLines);
            svg.Append($"<line x1=\"{x0:F1}\" y1=\"{y:F1}\" x2=\"{x1:F1}\" y2=\"{y:F1}\" stroke=\"{(i == 0 ? "#888" : "#ddd")}\"/>\n");
            svg.Append($"<text x=\"{x0 - 6:F1}\" y=\"{y + 4:F1}\" text-anchor=\"end\">{step * i:0.###}</text>\n");
        }

        StringBuilder line = new();
        for (int i = 0; i < panel.Values.Count; i++)
        {
            double x = x0 + 18 + ((x1 - x0 - 36) * i / Math.Max(1, panel.Values.Count - 1));
            double y = y0 + ((y1 - y0) * panel.Values[i] / top);
            line.Append($"{x:F1},{y:F1} ");
            svg.Append($"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"3.5\" fill=\"#1f5fa8\"/>\n");
            svg.Append($"<text x=\"{x:F1}\" y=\"{y - 8:F1}\" text-anchor=\"middle\" fill=\"#1f5fa8\">{Short(panel.Values[i])}</text>\n");
            svg.Append($"<text x=\"{x:F1}\" y=\"{y0 + 17:F1}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(panel.Names[i])}</text>\n");
        }

        svg.Append($"<polyline points=\"{line.ToString().TrimEnd()}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\n");
    }

    private static string Short(double value) => value >= 100 ? $"{value:F0}" : $"{value:0.#}";

    /// <summary>The next of 1, 2, 2.5 and 5 times a power of ten: steps that a reader can count in.</summary>
    private static double RoundStep(double least)
    {
        if (!(least > 0))
        {
            return 1;
        }

        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return Array.Find([1, 2, 2.5, 5, 10], factor => factor * power >= least) * power;
    }
}
