using System.Globalization;
using System.Xml.Linq;
using Hieno.Charts;

namespace Hieno.Tests.Charts;

public sealed class LineChartTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Points_lie_where_their_values_are_on_the_axes()
    {
        XDocument chart = XDocument.Parse(new LineChart("Title", "Subtitle", "α", "loss", [new("a < b", [0, 0.5, 1], [1, 2, 3])]).ToSvg());

        XElement[] dots = [.. chart.Descendants(s_svg + "circle")];
        double[] x = [.. dots.Select(dot => Value(dot, "cx"))];
        double[] y = [.. dots.Select(dot => Value(dot, "cy"))];
        Assert.Equal(x[1], (x[0] + x[2]) / 2, 0.2);
        Assert.Equal(y[1], (y[0] + y[2]) / 2, 0.2);
        Assert.True(y[2] < y[0], "a larger value lies higher");
        Assert.Equal(Label(chart, "3"), y[2] + 4, 0.2); // the label of the axis stands beside its value
        Assert.Contains(chart.Descendants(s_svg + "text"), text => text.Value == "a < b");
    }

    [Fact]
    public void A_flat_line_and_a_single_point_have_a_chart_and_an_empty_one_has_none()
    {
        foreach (double[] values in (double[][])[[5, 5], [-2], [0, 0, 0]])
        {
            XDocument chart = XDocument.Parse(new LineChart("", "", "", "", [new("flat", [.. Enumerable.Range(0, values.Length).Select(i => (double)i)], values)]).ToSvg());
            Assert.All(chart.Descendants(s_svg + "circle"), dot => Assert.InRange(Value(dot, "cy"), 0, 380));
        }

        Assert.Throws<InvalidOperationException>(() => new LineChart("", "", "", "", [new("gap", [0], [double.NaN])]).ToSvg());
    }

    private static double Value(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static double Label(XDocument chart, string text) => Value(chart.Descendants(s_svg + "text").Single(label => label.Value == text), "y");
}
