using System.Xml.Linq;
using Hieno.Models;
using Hieno.Merging;
using Hieno.Metrics;
using Hieno.Tests.Tuning;

namespace Hieno.Tests.Merging;

public sealed class AlphaSweepTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_point_is_the_metric_of_the_model_that_would_be_saved()
    {
        string start = TinyModels.Save(_folder, "start", 0);
        string end = TinyModels.Save(_folder, "end", 1);

        AlphaSweep sweep = AlphaSweep.Run(start, end, [1, 0, 0.5, 0.5], BuiltInMetrics.Find("loss"), model => TinyTuning.Output((TextModel)model)[3], model => TinyTuning.Output((TextModel)model)[5]);

        Assert.Equal([0, 0.5, 1], sweep.Points.Select(point => point.Alpha));
        foreach (SweepPoint point in sweep.Points)
        {
            string saved = _folder.PathOf($"at-{point.Alpha:0.0}");
            using (WeightMix mix = WeightMix.Interpolate(start, end, point.Alpha))
            {
                mix.Save(saved);
            }

            float[] output = TinyTuning.Output(TinyModels.Open(saved));
            Assert.Equal((output[3], (double?)output[5]), (point.Validation, point.Shifted));
        }
    }

    [Fact]
    public void The_best_point_is_by_the_validation_rows_and_the_nearest_to_the_start()
    {
        SweepPoint[] points = [new(0, 2, 9), new(0.5, 3, 1), new(1, 3, 5)];
        Assert.Equal(0.5, new AlphaSweep("accuracy", HigherIsBetter: true, points).Best.Alpha);
        Assert.Equal(0, new AlphaSweep("loss", HigherIsBetter: false, points).Best.Alpha);
    }

    [Fact]
    public void Table_and_curve_show_both_sets_or_one()
    {
        var both = new AlphaSweep("loss", HigherIsBetter: false, [new(0, 2, 4), new(1, 1, 5)]);
        var one = new AlphaSweep("loss", HigherIsBetter: false, [new(0, 2, null), new(1, 1, null)]);

        Assert.Equal("| α | loss, validation | loss, shifted |\n|--:|--:|--:|\n| 0 | 2.0000 | 4.0000 |\n| 1 | 1.0000 | 5.0000 |\n", both.ToMarkdown());
        Assert.Equal("| α | loss, validation |\n|--:|--:|\n| 0 | 2.0000 |\n| 1 | 1.0000 |\n", one.ToMarkdown());
        XNamespace svg = "http://www.w3.org/2000/svg";
        Assert.Equal((2, 1), (XDocument.Parse(both.ToSvg("rows")).Descendants(svg + "polyline").Count(), XDocument.Parse(one.ToSvg("rows")).Descendants(svg + "polyline").Count()));
    }
}
