using System.Globalization;
using System.Net;
using System.Text;

namespace Hieno.Benchmarks.Tuning;

/// <summary>A metric against the number of weights that learn, on a logarithmic axis: a numbered dot a row, and the names beside the plot.</summary>
internal sealed class TuningChart
{
    // Pixels. The plot lies at the left, the list of names at the right of it.
    private const int Width = 1080;
    private const int Left = 64;
    private const int PlotRight = 700;
    private const int Top = 80;
    private const int ListLeft = 730;
    private const int LineHeight = 15;
    private const int Bottom = 54;
    private const double LabelWidth = 15;
    private const double LabelHeight = 12;

    private static readonly string[] s_colours = ["#1f5fa8", "#c4541d", "#2f7d4f", "#7a4aa0", "#8a6d00", "#b0306a", "#3a8f9e", "#555555", "#a33b3b", "#4f6bd0"];

    private readonly Experiment _experiment;
    private readonly List<(int Number, TuningLine Line, string Colour)> _dots = [];
    private readonly int _height;
    private readonly bool _isLog;
    private readonly double _x0, _x1, _y0, _y1, _yStep;

    private TuningChart(Experiment experiment, IEnumerable<TuningLine> lines)
    {
        _experiment = experiment;
        int group = 0;
        foreach (IGrouping<string, TuningLine> rows in lines.Where(line => line.Tests.Count > 0).GroupBy(line => line.Row.Group))
        {
            string colour = s_colours[group++ % s_colours.Length];
            foreach (TuningLine line in rows)
            {
                _dots.Add((_dots.Count + 1, line, colour));
            }
        }

        _height = Math.Max(440, Top + 20 + ((_dots.Count + group) * LineHeight));
        _isLog = !experiment.IsClassification; // perplexities differ by factors
        double[] weights = [.. _dots.Select(dot => (double)dot.Line.TrainableCount).DefaultIfEmpty(1)];
        (_x0, _x1) = (Math.Log10(weights.Min()) - 0.1, Math.Log10(weights.Max()) + 0.1);
        double[] values = [.. _dots.Select(dot => Value(dot.Line.Mean(experiment.Metric))).DefaultIfEmpty(1)];
        _yStep = _isLog ? 0 : 5;
        (_y0, _y1) = _isLog ? (values.Min() - 0.05, values.Max() + 0.05) : (Math.Floor((values.Min() - 1) / 5) * 5, Math.Ceiling((values.Max() + 2) / 5) * 5);
    }

    /// <summary>The chart as the text of an SVG file that needs no font and no script.</summary>
    public static string Of(Experiment experiment, IEnumerable<TuningLine> lines) => new TuningChart(experiment, lines).ToSvg();

    private string ToSvg()
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {_height}\" width=\"{Width}\" height=\"{_height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{_height}\" fill=\"#fff\"/>\n");
        string metric = _experiment.IsClassification ? "accuracy in %" : "perplexity (lower is better)";
        Text(svg, 20, 28, $"{_experiment.Name}: {metric} against weights that learn", "font-size=\"16\" font-weight=\"bold\"");
        Text(svg, 20, 48, "Mean over three seeds, and one standard deviation up and down. The horizontal axis is logarithmic.");
        Text(svg, 20, Top - 10, metric, "font-weight=\"bold\"");
        Text(svg, (Left + PlotRight) / 2.0, _height - 14, "weights that learn", "text-anchor=\"middle\"");
        DrawAxes(svg);
        DrawDots(svg);
        DrawList(svg);
        return svg.Append("</svg>\n").ToString();
    }

    private void DrawAxes(StringBuilder svg)
    {
        foreach (double tick in YTicks())
        {
            double y = Y(Value(tick / (_isLog ? 1 : 100)));
            Rule(svg, Left, y, PlotRight, y, "#ddd");
            Text(svg, Left - 8, y + 4, tick.ToString("0.##", CultureInfo.InvariantCulture), "text-anchor=\"end\"");
        }

        for (int power = (int)Math.Floor(_x0); power <= Math.Ceiling(_x1); power++)
        {
            foreach (int digit in (ReadOnlySpan<int>)[1, 2, 5])
            {
                double weights = digit * Math.Pow(10, power);
                if (Math.Log10(weights) >= _x0 && Math.Log10(weights) <= _x1)
                {
                    double x = X(weights);
                    Rule(svg, x, Top, x, _height - Bottom, "#eee");
                    Text(svg, x, _height - Bottom + 18, weights.ToString("N0", CultureInfo.InvariantCulture), "text-anchor=\"middle\" font-size=\"11\"");
                }
            }
        }

        Rule(svg, Left, _height - Bottom, PlotRight, _height - Bottom, "#888");
    }

    private IEnumerable<double> YTicks()
    {
        if (!_isLog)
        {
            for (double tick = _y0; tick <= _y1; tick += _yStep)
            {
                yield return tick;
            }

            yield break;
        }

        for (int power = 0; power < 4; power++)
        {
            foreach (double digit in (double[])[1, 1.5, 2, 3, 5, 7])
            {
                double tick = digit * Math.Pow(10, power);
                if (Value(tick) >= _y0 && Value(tick) <= _y1)
                {
                    yield return tick;
                }
            }
        }
    }

    private void DrawDots(StringBuilder svg)
    {
        var taken = new List<(double X, double Y)>(_dots.Select(dot => At(dot.Line)));
        int dots = taken.Count;
        foreach ((int number, TuningLine line, string colour) in _dots)
        {
            (double x, double y) = At(line);
            double deviation = line.Deviation(_experiment.Metric), mean = line.Mean(_experiment.Metric);
            Rule(svg, x, Y(Value(mean - deviation)), x, Y(Value(mean + deviation)), colour, 0.5);
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"3.5\" fill=\"{colour}\"/>\n");
            (double labelX, double labelY) = Place(x, y, taken, dots);
            taken.Add((labelX, labelY));
            if (Math.Abs(labelX - x) + Math.Abs(labelY - y) > 16)
            {
                Rule(svg, x, y, labelX, labelY, colour, 0.35);
            }

            Text(svg, labelX, labelY + 4, number.ToString(CultureInfo.InvariantCulture), $"fill=\"{colour}\" font-size=\"11\" font-weight=\"bold\" text-anchor=\"middle\" stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\"");
        }
    }

    // The nearest place around a dot that covers no dot and no other label.
    private (double X, double Y) Place(double x, double y, List<(double X, double Y)> taken, int dots)
    {
        for (double radius = 11; radius < 140; radius += 4)
        {
            for (int step = 0; step < 16; step++)
            {
                double angle = step * Math.PI / 8;
                (double left, double top) = (x + (radius * Math.Cos(angle)), y - (radius * Math.Sin(angle)));
                bool isInside = left > Left + 8 && left < PlotRight - 8 && top > Top + 6 && top < _height - Bottom - 6;
                if (isInside && !taken.Where((other, i) => Math.Abs(other.X - left) < (i < dots ? (LabelWidth / 2) + 4 : LabelWidth) && Math.Abs(other.Y - top) < (i < dots ? (LabelHeight / 2) + 3 : LabelHeight)).Any())
                {
                    return (left, top);
                }
            }
        }

        return (x, y); // so crowded that any place is as good
    }

    private void DrawList(StringBuilder svg)
    {
        int y = Top - 10;
        foreach (IGrouping<string, (int Number, TuningLine Line, string Colour)> group in _dots.GroupBy(dot => dot.Line.Row.Group))
        {
            Text(svg, ListLeft, y, group.Key, $"font-weight=\"bold\" fill=\"{group.First().Colour}\"");
            y += LineHeight;
            foreach ((int number, TuningLine line, string colour) in group)
            {
                Text(svg, ListLeft + 18, y, number.ToString(CultureInfo.InvariantCulture), $"fill=\"{colour}\" font-weight=\"bold\" text-anchor=\"end\"");
                Text(svg, ListLeft + 26, y, line.Row.Name);
                Text(svg, Width - 20, y, line.Spread(_experiment.Metric, _isLog ? 1 : 100), "text-anchor=\"end\"");
                y += LineHeight;
            }
        }
    }

    private double Value(double metric) => _isLog ? Math.Log10(metric) : 100 * metric;

    private (double X, double Y) At(TuningLine line) => (X(line.TrainableCount), Y(Value(line.Mean(_experiment.Metric))));

    private double X(double weights) => Left + ((Math.Log10(weights) - _x0) / (_x1 - _x0) * (PlotRight - Left));

    private double Y(double value) => _height - Bottom - ((value - _y0) / (_y1 - _y0) * (_height - Bottom - Top));

    private static void Rule(StringBuilder svg, double x1, double y1, double x2, double y2, string colour, double opacity = 1) =>
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:F1}\" y1=\"{y1:F1}\" x2=\"{x2:F1}\" y2=\"{y2:F1}\" stroke=\"{colour}\"{(opacity < 1 ? $" stroke-opacity=\"{opacity}\"" : "")}/>\n");

    private static void Text(StringBuilder svg, double x, double y, string text, string more = "") =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F1}\" y=\"{y:F1}\"{(more.Length > 0 ? " " + more : "")}>{WebUtility.HtmlEncode(text)}</text>\n");
}
