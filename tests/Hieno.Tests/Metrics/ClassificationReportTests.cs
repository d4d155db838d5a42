using System.Text.Json;
using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class ClassificationReportTests
{
    [Fact]
    public void A_report_holds_what_each_metric_computes_alone()
    {
        Predictions[] samples =
        [
            SamplePredictions.Classes(50, 2, 1), SamplePredictions.Classes(50, 4, 1), SamplePredictions.Classes(50, 8, 1),
            SamplePredictions.MultiLabels(50, 3, 1), ClassPredictions.FromLabels([0, 1, 1], [0, 1, 0]),
        ];
        int[] sizes = [11, 12, 13, 4, 4];
        for (int i = 0; i < samples.Length; i++)
        {
            var report = ClassificationReport.Of(samples[i]);
            Assert.Equal(sizes[i], report.Metrics.Count);
            Assert.All(report.Metrics, entry => Assert.Equal(BuiltInMetrics.Find(entry.Key).Compute(samples[i]), entry.Value));
            Assert.Equal(BuiltInMetrics.Find("macro-f1").Compute(samples[i]), report.Averages[1].F1);
            Assert.Equal(report.Labels.Average(label => label.F1), report.Averages[1].F1, 1e-12);
            Assert.Equal(samples[i] is ClassPredictions, report.Confusion is not null);
        }
    }

    [Fact]
    public void Undefined_values_are_null_in_json_and_explained()
    {
        var report = ClassificationReport.Of(ClassPredictions.FromLogits([1, 1], new float[,] { { 0, 1 }, { 0, 2 } }, ["no", "yes"]));
        using var json = JsonDocument.Parse(report.ToJson());
        JsonElement root = json.RootElement;
        Assert.Equal(JsonValueKind.Null, root.GetProperty("metrics").GetProperty("roc-auc").ValueKind);
        Assert.Equal(1, root.GetProperty("metrics").GetProperty("accuracy").GetDouble());
        Assert.Equal("yes", root.GetProperty("labels")[1].GetProperty("name").GetString());
        Assert.Equal(2, root.GetProperty("labels")[1].GetProperty("support").GetInt64());
        Assert.Equal(2, root.GetProperty("confusion").GetProperty("rows")[1][1].GetInt64());
        Assert.Contains(root.GetProperty("warnings").EnumerateArray(), line => line.GetString()!.StartsWith("roc-auc: undefined", StringComparison.Ordinal));
    }

    [Fact]
    public void The_text_has_an_aligned_line_for_each_label_and_average()
    {
        string text = ClassificationReport.Of(ClassPredictions.FromLabels([0, 0, 1], [0, 1, 1], ["ham", "spam"])).ToText();
        Assert.Contains("label             precision  recall      f1  support\n", text, StringComparison.Ordinal);
        Assert.Contains("ham                  1.0000  0.5000  0.6667        2\n", text, StringComparison.Ordinal);
        Assert.Contains("weighted-average     0.8333  0.6667  0.6667        3\n", text, StringComparison.Ordinal);
        Assert.Contains("accuracy           0.6667\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_to_report_is_an_error() =>
        Assert.Throws<MetricException>(() => ClassificationReport.Of(ClassPredictions.FromLabels([], [])));
}
