using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hieno.Metrics;

/// <summary>Precision, recall and F1 of a label, or of an average over labels.</summary>
/// <param name="Name">The label's name, or the average's.</param>
/// <param name="Precision">The share of its predictions that are right.</param>
/// <param name="Recall">The share of its rows that were found.</param>
/// <param name="F1">Both in one number.</param>
/// <param name="Support">In how many rows the label is right.</param>
public sealed record LabelScores(string Name, double Precision, double Recall, double F1, long Support);

/// <summary>Everything there is to say about predicted labels, computed once.</summary>
public sealed class ClassificationReport
{
    private static readonly IMetric[] OfLabels = [new Accuracy(), new BalancedAccuracy(), new Matthews(), new CohenKappa()];

    private static readonly IMetric[] OfScores =
    [
        new LogLoss(), new Brier(), new CalibrationError(), new CalibrationError(CalibrationKind.Maximum),
        new CalibrationError(CalibrationKind.Adaptive), new AveragePrecision(),
    ];

    private static readonly IMetric[] OfManyScores = [new RocAuc(RocAucKind.OneVersusRest), new RocAuc(RocAucKind.OneVersusOne)];

    private ClassificationReport(Predictions predictions, LabelCounts counts, MetricWarnings warnings)
    {
        Count = predictions.Count;
        Warnings = warnings;
        Labels = ScoresOfLabels(counts, warnings);
        Averages =
        [
            .. new[] { Average.Micro, Average.Macro, Average.Weighted }.Select(average => new LabelScores(
                AveragedQuotient.NameOf(average, "average"),
                new Precision(average).Compute(predictions),
                new Recall(average).Compute(predictions),
                new FScore(average).Compute(predictions),
                Labels.Sum(label => label.Support))),
        ];
        Metrics = MetricsFor(predictions).ToDictionary(metric => metric.Name, metric => metric.Compute(predictions, warnings), StringComparer.Ordinal);
        Confusion = predictions is ClassPredictions classes ? ConfusionMatrix.Of(classes) : null;
    }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>All metrics that these predictions allow, by name; NaN where undefined.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>The scores of each label.</summary>
    public IReadOnlyList<LabelScores> Labels { get; }

    /// <summary>The micro, macro and weighted averages of the labels' scores.</summary>
    public IReadOnlyList<LabelScores> Averages { get; }

    /// <summary>What was taken for what; null for multi-label predictions.</summary>
    public ConfusionMatrix? Confusion { get; }

    /// <summary>The conventions that stood in for undefined values.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Computes the report.</summary>
    /// <param name="predictions"><see cref="ClassPredictions"/> or <see cref="MultiLabelPredictions"/>.</param>
    /// <exception cref="MetricException">There is no row, or the predictions are of another kind.</exception>
    public static ClassificationReport Of(Predictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return new ClassificationReport(predictions, LabelCounts.Of(predictions, OfLabels[0]), new MetricWarnings());
    }

    /// <summary>Tables for people to read: metrics, labels, the confusion matrix where it fits a screen, warnings.</summary>
    public string ToText()
    {
        const int MostLabelsOnAScreen = 20;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Count} rows\n\n").Append(MetricTable.Of(Metrics)).Append('\n');

        var table = new TextTable(["label", "precision", "recall", "f1", "support"]);
        foreach (var scores in Labels.Concat(Averages))
        {
            table.Add(
            [
                scores.Name, MetricTable.Shown(scores.Precision), MetricTable.Shown(scores.Recall), MetricTable.Shown(scores.F1),
                scores.Support.ToString(CultureInfo.InvariantCulture),
            ]);
        }

        text.Append(table);
        if (Confusion?.Labels.Count <= MostLabelsOnAScreen)
        {
            text.Append('\n').Append(Confusion.ToText());
        }

        return MetricTable.WithWarnings(text, Warnings);
    }

    /// <summary>The report as JSON; undefined values are null.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MetricJson.Options);

    private static LabelScores[] ScoresOfLabels(LabelCounts counts, MetricWarnings warnings)
    {
        double[] precision = new Precision(Average.Macro).Quotients(warnings).EachLabel(counts);
        double[] recall = new Recall(Average.Macro).Quotients(warnings).EachLabel(counts);
        double[] f1 = new FScore(Average.Macro).Quotients(warnings).EachLabel(counts);
        return [.. counts.Names.Select((name, label) => new LabelScores(name, precision[label], recall[label], f1[label], counts.Support(label)))];
    }

    private static IEnumerable<IMetric> MetricsFor(Predictions predictions)
    {
        IEnumerable<IMetric> metrics = predictions switch
        {
            ClassPredictions { HasScores: true, LabelCount: 2 } => [.. OfLabels, .. OfScores, new RocAuc()],
            ClassPredictions { HasScores: true, LabelCount: > 5 } => [.. OfLabels, .. OfScores, .. OfManyScores, new TopKAccuracy(5)],
            ClassPredictions { HasScores: true } => [.. OfLabels, .. OfScores, .. OfManyScores],
            MultiLabelPredictions { HasScores: true } => [new Accuracy(), new FScore(Average.Samples), new RocAuc(), new AveragePrecision()],
            MultiLabelPredictions => [new Accuracy(), new FScore(Average.Samples)],
            _ => OfLabels,
        };
        return predictions.Losses is null ? metrics : metrics.Prepend(new Loss());
    }
}
