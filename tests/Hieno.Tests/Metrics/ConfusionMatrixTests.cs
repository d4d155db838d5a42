using System.Xml.Linq;
using Hieno.Formats.Images;
using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class ConfusionMatrixTests
{
    private static readonly ConfusionMatrix Matrix = ConfusionMatrix.Of(
        ClassPredictions.FromLabels([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], [0, 0, 0, 1, 0, 1, 1, 2, 2, 2], ["a, \"b\"", "<c>", "d", "e"]));

    [Fact]
    public void Rows_are_right_labels_and_columns_predicted_ones()
    {
        long[][] expected = [[3, 1, 0, 0], [1, 2, 1, 0], [0, 0, 2, 0], [0, 0, 0, 0]];
        Assert.Equal(expected, Matrix.Rows);
        Assert.Equal(10, Matrix.Total);
        Assert.Equal([4, 4, 2, 0], Matrix.TruthTotals());
        Assert.Equal([4, 3, 3, 0], Matrix.PredictedTotals());
    }

    [Fact]
    public void Normalised_rows_and_columns_sum_to_1_and_empty_ones_to_0()
    {
        double[,] byTruth = Matrix.Normalized(ConfusionNormalization.Truth);
        double[,] byPrediction = Matrix.Normalized(ConfusionNormalization.Prediction);
        for (int label = 0; label < 4; label++)
        {
            double row = Enumerable.Range(0, 4).Sum(k => byTruth[label, k]);
            double column = Enumerable.Range(0, 4).Sum(k => byPrediction[k, label]);
            Assert.Equal(label < 3 ? 1 : 0, row, 1e-12);
            Assert.Equal(label < 3 ? 1 : 0, column, 1e-12);
        }

        Assert.Equal(0.5, byTruth[1, 1]);
        Assert.Equal(2.0 / 3, byPrediction[1, 1], 1e-12);
    }

    [Fact]
    public void Csv_quotes_names_that_need_it() =>
        Assert.Equal(
            "truth \\ predicted,\"a, \"\"b\"\"\",<c>,d,e\n\"a, \"\"b\"\"\",3,1,0,0\n<c>,1,2,1,0\nd,0,0,2,0\ne,0,0,0,0\n",
            Matrix.ToCsv());

    [Fact]
    public void Text_is_aligned()
    {
        string[] lines = Matrix.ToText().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5, lines.Length);
        Assert.Single(lines.Select(line => line.Length).Distinct());
        Assert.Equal("truth \\ predicted  a, \"b\"  <c>  d  e", lines[0]);
        Assert.Equal("<c>                     1    2  1  0", lines[2]);
    }

    [Fact]
    public void The_picture_is_well_formed_and_has_every_cell()
    {
        var svg = XDocument.Parse(Matrix.ToSvg());
        XNamespace ns = "http://www.w3.org/2000/svg";
        var titles = svg.Descendants(ns + "title").Select(title => title.Value).ToList();
        Assert.Equal(17, titles.Count); // the document's and 16 cells'
        Assert.Contains("a, \"b\" predicted as <c>: 1", titles);
    }

    [Fact]
    public void The_picture_of_pixels_shades_every_cell_by_its_share_of_the_truth()
    {
        Image map = Matrix.ToImage();
        int Count(byte red, byte green, byte blue) => map.Samples.Chunk(3).Count(pixel => pixel[0] == red && pixel[1] == green && pixel[2] == blue);
        Assert.InRange(Count(69, 99, 144), 1000, 35 * 35); // 3 of 4, less the number in it
        Assert.InRange(Count(193, 203, 218), 3000, 3 * 35 * 35); // three cells of 1 of 4
        Assert.InRange(Count(8, 48, 107), 1000, 35 * 35); // all of d
        Assert.Equal(Matrix.ToImage().Samples, Matrix.ToImage().Samples);
    }

    [Fact]
    public void Odd_names_do_not_break_the_picture()
    {
        string[] names = [new string('x', 23) + "😀😀", "a\u0001b"];
        var svg = XDocument.Parse(ConfusionMatrix.Of(ClassPredictions.FromLabels([0], [0], names)).ToSvg());
        Assert.Contains("xxx…", svg.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void More_labels_than_a_picture_can_show_are_refused()
    {
        string[] names = [.. Enumerable.Range(0, 101).Select(i => $"label {i}")];
        Assert.Throws<InvalidOperationException>(() => ConfusionMatrix.Of(ClassPredictions.FromLabels([0], [0], names)).ToSvg());
        Assert.Throws<InvalidOperationException>(() => ConfusionMatrix.Of(ClassPredictions.FromLabels([0], [0], names)).ToImage());
    }
}
