using System.Text.Json;
using Hieno.Metrics;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Metrics;

// Values of scikit-learn and SciPy for the inputs in metrics.json, which tools/golden/metrics.py wrote.
public sealed class ReferenceTests
{
    private static readonly JsonElement Cases = JsonDocument
        .Parse(File.ReadAllBytes(Path.Combine(SharedFolder.RepositoryRoot, "tests/Hieno.Tests/Metrics/metrics.json")))
        .RootElement.GetProperty("cases");

    [Theory]
    [InlineData("binary", 23)]
    [InlineData("multiclass", 20)]
    [InlineData("top-k", 2)]
    [InlineData("never-predicted", 14)]
    [InlineData("seen-only", 14)]
    [InlineData("multilabel", 15)]
    [InlineData("regression", 11)]
    [InlineData("regression-3", 11)]
    public void Every_metric_has_the_value_of_the_reference(string name, int count)
    {
        JsonElement entry = Cases.GetProperty(name);
        Predictions predictions = Read(entry);
        var expected = entry.GetProperty("expected").EnumerateObject().ToList();
        Assert.Equal(count, expected.Count);
        foreach (var metric in expected)
        {
            double value = metric.Value.GetDouble();
            double ours = BuiltInMetrics.Find(metric.Name).Compute(predictions);
            Assert.True(Math.Abs(ours - value) <= 1e-9 * Math.Max(1, Math.Abs(value)), $"{name}, {metric.Name}: {ours}, expected {value}");
        }
    }

    private static Predictions Read(JsonElement entry)
    {
        if (entry.TryGetProperty("logits", out var logits))
        {
            return ClassPredictions.FromLogits(Ints(entry, "truth"), Grid(logits, e => e.GetSingle()));
        }

        if (entry.TryGetProperty("predicted", out _))
        {
            string[]? labels = entry.TryGetProperty("labels", out var names) ? [.. names.EnumerateArray().Select(e => e.GetString()!)] : null;
            return ClassPredictions.FromLabels(Ints(entry, "truth"), Ints(entry, "predicted"), labels);
        }

        return entry.TryGetProperty("scores", out var scores)
            ? MultiLabelPredictions.FromScores(Grid(entry.GetProperty("multiTruth"), e => e.GetInt32() == 1), Grid(scores, e => e.GetSingle()))
            : new NumberPredictions(Grid(entry.GetProperty("y"), e => e.GetDouble()), Grid(entry.GetProperty("yPredicted"), e => e.GetDouble()));
    }

    private static int[] Ints(JsonElement entry, string name) => [.. entry.GetProperty(name).EnumerateArray().Select(e => e.GetInt32())];

    private static T[,] Grid<T>(JsonElement rows, Func<JsonElement, T> read)
    {
        var grid = new T[rows.GetArrayLength(), rows[0].GetArrayLength()];
        for (int row = 0; row < grid.GetLength(0); row++)
        {
            for (int k = 0; k < grid.GetLength(1); k++)
            {
                grid[row, k] = read(rows[row][k]);
            }
        }

        return grid;
    }
}
