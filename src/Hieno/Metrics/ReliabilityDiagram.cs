using System.Globalization;
using System.Net;
using System.Text;

namespace Hieno.Metrics;

/// <summary>Confidence against accuracy, bin by bin: bars that end under the diagonal say that the model is surer than it may be.</summary>
/// <remarks>Guo et al. 2017, <see href="https://arxiv.org/abs/1706.04599"/>, figure 1. The lower strip shows how many rows each bin has.</remarks>
public static class ReliabilityDiagram
{
    // Pixels; the plot is a square, the strip of counts lies under it.
    private const int Side = 320;
    private const int Left = 60;
    private const int Top = 80;
    private const int Strip = 60;
    private const int Width = Left + Side + 30;
    private const int Height = Top + Side + Strip + 70;

    /// <summary>Draws the diagram.</summary>
    /// <param name="title">The headline.</param>
    /// <param name="predictions">Rows with scores.</param>
    /// <param name="error">The bins. Default: 15 of equal width.</param>
    /// <returns>A self-contained SVG document.</returns>
    /// <exception cref="MetricException">The predictions have no scores, or there is no row.</exception>
    public static string ToSvg(string title, ClassPredictions predictions, CalibrationError? error = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        error ??= new CalibrationError();
        IReadOnlyList<CalibrationBin> bins = error.Bins(predictions);
        double gap = error.Compute(predictions);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"#fff\"/>\n");
        Text(svg, 20, 26, title, "font-size=\"16\" font-weight=\"bold\"");
        Text(svg, 20, 46, string.Create(CultureInfo.InvariantCulture, $"{predictions.Count} rows, {error.Name} {gap:0.0000}"));
        for (int tick = 0; tick <= 5; tick++)
        {
            double share = tick / 5.0;
            Line(svg, Left, Y(share), Left + Side, Y(share), "#ddd");
            Text(svg, Left - 8, Y(share) + 4, Number(share), "text-anchor=\"end\"");
            Text(svg, X(share), Top + Side + Strip + 22, Number(share), "text-anchor=\"middle\"");
        }

        foreach (CalibrationBin bin in bins.Where(bin => bin.Count > 0))
        {
            DrawBin(svg, bin, bins.Max(each => each.Count));
        }

        Line(svg, X(0), Y(0), X(1), Y(1), "#333", "stroke-dasharray=\"4 4\"");
        Text(svg, 20, Top - 6, "accuracy", "font-weight=\"bold\"");
        Text(svg, Left - 8, Top + Side + 24, "rows", "text-anchor=\"end\"");
        Text(svg, Left + (Side / 2.0), Height - 14, "confidence", "text-anchor=\"middle\"");
        return svg.Append("</svg>\n").ToString();
    }

    // The accuracy in blue; what lies between it and the mean confidence, in orange where the model is too sure, in light blue where it is not sure enough.
    private static void DrawBin(StringBuilder svg, CalibrationBin bin, int most)
    {
        (double x, double width) = (X(bin.Low), Math.Max(1, ((bin.High - bin.Low) * Side) - 1));
        svg.Append(CultureInfo.InvariantCulture, $"<g><title>confidence {bin.Low:0.###} to {bin.High:0.###}: {bin.Count} rows, accuracy {bin.Accuracy:0.####}, mean confidence {bin.Confidence:0.####}</title>");
        Box(svg, x, Y(bin.Accuracy), width, bin.Accuracy * Side, "#1f5fa8");
        Box(svg, x, Y(Math.Max(bin.Accuracy, bin.Confidence)), width, Math.Abs(bin.Accuracy - bin.Confidence) * Side, bin.Confidence > bin.Accuracy ? "#e0a58a" : "#9dbbe0");
        double height = (double)bin.Count / most * (Strip - 8);
        Box(svg, x, Top + Side + 8, width, Math.Max(1, height), "#999");
        svg.Append("</g>\n");
    }

    private static double X(double share) => Left + (share * Side);

    private static double Y(double share) => Top + ((1 - share) * Side);

    private static void Box(StringBuilder svg, double x, double y, double width, double height, string fill) =>
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x:F1}\" y=\"{y:F1}\" width=\"{width:F1}\" height=\"{height:F1}\" fill=\"{fill}\"/>");

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string colour, string more = "") =>
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:F1}\" y1=\"{y1:F1}\" x2=\"{x2:F1}\" y2=\"{y2:F1}\" stroke=\"{colour}\" {more}/>\n");

    private static void Text(StringBuilder svg, double x, double y, string text, string more = "") =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F1}\" y=\"{y:F1}\" {more}>{WebUtility.HtmlEncode(text)}</text>\n");

    private static string Number(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
