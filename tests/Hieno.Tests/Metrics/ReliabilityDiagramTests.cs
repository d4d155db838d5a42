using System.Xml.Linq;
using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class ReliabilityDiagramTests
{
    [Fact]
    public void Each_bin_with_rows_shows_its_accuracy_and_its_gap()
    {
        // Two rows at 0.9 of which one is right, one row at 0.6 that is right.
        float[,] logits = { { MathF.Log(9), 0 }, { MathF.Log(9), 0 }, { MathF.Log(1.5f), 0 } };
        ClassPredictions predictions = ClassPredictions.FromLogits([0, 1, 0], logits, ["a<b", "b"]);
        string svg = ReliabilityDiagram.ToSvg("Calibration of <a>", predictions, new CalibrationError(bins: 10));
        XDocument document = XDocument.Parse(svg);
        XNamespace ns = "http://www.w3.org/2000/svg";
        string[] tips = [.. document.Descendants(ns + "g").Select(group => group.Element(ns + "title")!.Value)];
        Assert.Equal(2, tips.Length);
        Assert.Contains("2 rows, accuracy 0.5, mean confidence 0.9", tips[1], StringComparison.Ordinal);
        Assert.Contains("1 rows, accuracy 1, mean confidence 0.6", tips[0], StringComparison.Ordinal);
        Assert.Contains("3 rows, calibration-error 0.4000", svg, StringComparison.Ordinal); // (2 · 0.4 + 0.4) / 3
        double[] heights = [.. document.Descendants(ns + "g").Last().Elements(ns + "rect").Select(rect => double.Parse(rect.Attribute("height")!.Value, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal([160, 128, 52], heights);
    }
}
