using System.Globalization;
using System.Net;
using System.Text;

namespace Hieno.Charts;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Its name, written at its end.</param>
/// <param name="X">Where its points lie, in ascending order.</param>
/// <param name="Y">Their values, as many; a point that is not a finite number is left out.</param>
public sealed record ChartLine(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);

/// <summary>A chart of a few lines over one axis, as an SVG file that needs no font and no script.</summary>
/// <param name="Title">The headline.</param>
/// <param name="Subtitle">What was measured.</param>
/// <param name="XAxis">What the horizontal axis shows.</param>
/// <param name="YAxis">What the vertical axis shows. It spans the values and need not begin at zero.</param>
/// <param name="Lines">The lines; at least one with a point.</param>
public sealed record LineChart(string Title, string Subtitle, string XAxis, string YAxis, IReadOnlyList<ChartLine> Lines)
{
    // Pixels; the plot lies inside, with room for the axis labels and for the lines' names at the right.
    private const int Width = 640;
    private const int Height = 380;
    private const int Left = 70;
    private const int Right = 110;
    private const int Top = 76;
    private const int Bottom = 54;
    private const int Steps = 5;

    private static readonly string[] s_colours = ["#1f5fa8", "#c4541d", "#2f7d4f", "#7a4aa0"];

    /// <summary>The chart as the text of an SVG file.</summary>
    /// <exception cref="InvalidOperationException">No line has a point.</exception>
    public string ToSvg()
    {
        (double X, double Y)[] all = [.. Lines.SelectMany(Points)];
        if (all.Length == 0)
        {
            throw new InvalidOperationException("A chart needs a point that is a finite number.");
        }

        Axis x = Axis.Over(all.Min(point => point.X), all.Max(point => point.X));
        Axis y = Axis.Over(all.Min(point => point.Y), all.Max(point => point.Y));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"#fff\"/>\n");
        Text(svg, 20, 28, Title, "font-size=\"16\" font-weight=\"bold\"");
        Text(svg, 20, 48, Subtitle);
        Text(svg, 20, Top - 10, YAxis, "font-weight=\"bold\"");
        Text(svg, (Left + Width - Right) / 2.0, Height - 14, XAxis, "text-anchor=\"middle\"");
        foreach (double tick in y.Ticks)
        {
            Rule(svg, Left, Vertical(y, tick), Width - Right, Vertical(y, tick));
            Text(svg, Left - 8, Vertical(y, tick) + 4, Number(tick), "text-anchor=\"end\"");
        }

        foreach (double tick in x.Ticks)
        {
            Rule(svg, Horizontal(x, tick), Height - Bottom, Horizontal(x, tick), Height - Bottom + 5);
            Text(svg, Horizontal(x, tick), Height - Bottom + 19, Number(tick), "text-anchor=\"middle\"");
        }

        for (int i = 0; i < Lines.Count; i++)
        {
            Draw(svg, Lines[i], x, y, s_colours[i % s_colours.Length]);
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static IEnumerable<(double X, double Y)> Points(ChartLine line) => line.X.Zip(line.Y).Where(point => double.IsFinite(point.First) && double.IsFinite(point.Second));

    private static void Draw(StringBuilder svg, ChartLine line, Axis x, Axis y, string colour)
    {
        (double X, double Y)[] places = [.. Points(line).Select(point => (Horizontal(x, point.X), Vertical(y, point.Y)))];
        if (places.Length == 0)
        {
            return;
        }

        string path = string.Join(' ', places.Select(place => string.Create(CultureInfo.InvariantCulture, $"{place.X:F1},{place.Y:F1}")));
        svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
        foreach ((double left, double top) in places)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{left:F1}\" cy=\"{top:F1}\" r=\"3.5\" fill=\"{colour}\"/>\n");
        }

        Text(svg, places[^1].X + 10, places[^1].Y + 4, line.Name, $"fill=\"{colour}\"");
    }

    private static double Horizontal(Axis axis, double value) => Left + (axis.Share(value) * (Width - Left - Right));

    private static double Vertical(Axis axis, double value) => Height - Bottom - (axis.Share(value) * (Height - Bottom - Top));

    private static void Rule(StringBuilder svg, double x1, double y1, double x2, double y2) =>
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:F1}\" y1=\"{y1:F1}\" x2=\"{x2:F1}\" y2=\"{y2:F1}\" stroke=\"#ddd\"/>\n");

    private static void Text(StringBuilder svg, double x, double y, string text, string more = "") =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F1}\" y=\"{y:F1}\"{(more.Length > 0 ? " " + more : string.Empty)}>{WebUtility.HtmlEncode(text)}</text>\n");

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    /// <summary>A range in round steps.</summary>
    private sealed record Axis(double Low, double High, double Step)
    {
        public IEnumerable<double> Ticks => Enumerable.Range(0, (int)Math.Round((High - Low) / Step) + 1).Select(i => Low + (i * Step));

        // Steps of 1, 2, 2.5 or 5 times a power of ten, that a reader can count in; a flat line gets a range around it.
        public static Axis Over(double low, double high)
        {
            double span = high > low ? high - low : Math.Max(1, Math.Abs(high));
            double power = Math.Pow(10, Math.Floor(Math.Log10(span / Steps)));
            double step = Array.Find([1, 2, 2.5, 5, 10], factor => factor * power * (1 + 1e-9) >= span / Steps) * power;
            double first = Math.Floor((low / step) + 1e-9) * step;
            double last = Math.Max(Math.Ceiling((high / step) - 1e-9) * step, first + step);
            return new Axis(first, last, step);
        }

        public double Share(double value) => (value - Low) / (High - Low);
    }
}
