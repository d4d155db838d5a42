using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hieno.Metrics;

/// <summary>The metrics of one output of a regression.</summary>
/// <param name="Name">The output's name.</param>
/// <param name="Metrics">The metrics by name; NaN where undefined.</param>
public sealed record OutputScores(string Name, IReadOnlyDictionary<string, double> Metrics);

/// <summary>Everything there is to say about predicted numbers, computed once.</summary>
public sealed class RegressionReport
{
    private static readonly IMetric[] All =
    [
        new MeanSquaredError(), new RootMeanSquaredError(), new MeanAbsoluteError(), new MedianAbsoluteError(), new MeanAbsolutePercentageError(),
        new RSquared(), new ExplainedVariance(), new Pearson(), new Spearman(),
    ];

    private RegressionReport(NumberPredictions predictions)
    {
        var warnings = new MetricWarnings();
        (Count, Warnings) = (predictions.Count, warnings);
        Metrics = Compute(predictions.Losses is null ? All : All.Prepend(new Loss()), predictions, warnings);
        Outputs =
        [
            .. Enumerable.Range(0, predictions.OutputCount).Select(
                output => new OutputScores(predictions.NameOf(output), Compute(All, predictions.Output(output), warnings: null))),
        ];
    }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>All metrics by name, over several outputs their mean; NaN where undefined.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>The metrics of each output.</summary>
    public IReadOnlyList<OutputScores> Outputs { get; }

    /// <summary>The conventions that stood in for undefined values.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Computes the report.</summary>
    /// <exception cref="MetricException">There is no row.</exception>
    public static RegressionReport Of(NumberPredictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        predictions.RequireRows(All[0]);
        return new RegressionReport(predictions);
    }

    /// <summary>Tables for people to read: the metrics, those of each output where there are several, warnings.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Count} rows\n\n").Append(MetricTable.Of(Metrics));
        if (Outputs.Count > 1)
        {
            var table = new TextTable(["output", .. All.Select(metric => metric.Name)]);
            foreach (var output in Outputs)
            {
                table.Add([output.Name, .. output.Metrics.Values.Select(MetricTable.Shown)]);
            }

            text.Append('\n').Append(table);
        }

        return MetricTable.WithWarnings(text, Warnings);
    }

    /// <summary>The report as JSON; undefined values are null.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MetricJson.Options);

    private static Dictionary<string, double> Compute(IEnumerable<IMetric> metrics, NumberPredictions predictions, MetricWarnings? warnings) =>
        metrics.ToDictionary(metric => metric.Name, metric => metric.Compute(predictions, warnings), StringComparer.Ordinal);
}
