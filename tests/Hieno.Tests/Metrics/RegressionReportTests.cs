using System.Text.Json;
using Hieno.Metrics;

namespace Hieno.Tests.Metrics;

public sealed class RegressionReportTests
{
    [Fact]
    public void A_report_holds_what_each_metric_computes_alone()
    {
        var sample = SamplePredictions.Numbers(30, 2, 1);
        var report = RegressionReport.Of(sample);
        Assert.Equal(9, report.Metrics.Count);
        Assert.All(report.Metrics, entry => Assert.Equal(BuiltInMetrics.Find(entry.Key).Compute(sample), entry.Value));
        Assert.All(report.Metrics, entry => Assert.Equal(report.Outputs.Average(output => output.Metrics[entry.Key]), entry.Value, 1e-12));
        Assert.Empty(report.Warnings);
    }

    [Fact]
    public void Text_and_json_name_the_outputs()
    {
        var report = RegressionReport.Of(new NumberPredictions(new double[,] { { 1, 5 }, { 2, 5 } }, new double[,] { { 1, 5 }, { 2, 5 } }, ["height", "width"]));
        Assert.Contains("\nheight  0.0000", report.ToText(), StringComparison.Ordinal);
        Assert.Contains("warning: pearson: undefined", report.ToText(), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(report.ToJson());
        Assert.Equal("width", json.RootElement.GetProperty("outputs")[1].GetProperty("name").GetString());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("outputs")[1].GetProperty("metrics").GetProperty("pearson").ValueKind);
    }

    [Fact]
    public void Nothing_to_report_is_an_error() => Assert.Throws<MetricException>(() => RegressionReport.Of(new NumberPredictions([], [])));
}
