using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>The metrics that come with Hieno, each under its name. A new metric is one file and one line here.</summary>
public static class BuiltInMetrics
{
    /// <summary>All of them, by task.</summary>
    public static IReadOnlyList<IMetric> All { get; } =
    [
        // Any task.
        new Loss(),

        // Language modelling.
        new Perplexity(),
        new BitsPerByte(),
        new TokenAccuracy(),

        // Classification.
        new Accuracy(),
        new TopKAccuracy(3),
        new TopKAccuracy(5),
        new BalancedAccuracy(),
        new BalancedAccuracy(adjusted: true),
        new Precision(),
        new Precision(Average.Micro),
        new Precision(Average.Macro),
        new Precision(Average.Weighted),
        new Precision(Average.Samples),
        new Recall(),
        new Recall(Average.Micro),
        new Recall(Average.Macro),
        new Recall(Average.Weighted),
        new Recall(Average.Samples),
        new FScore(),
        new FScore(Average.Micro),
        new FScore(Average.Macro),
        new FScore(Average.Weighted),
        new FScore(Average.Samples),
        new FScore(beta: 2),
        new FScore(beta: 0.5),
        new Matthews(),
        new CohenKappa(),
        new LogLoss(),
        new Brier(),
        new CalibrationError(),
        new CalibrationError(CalibrationKind.Maximum),
        new CalibrationError(CalibrationKind.Adaptive),
        new RocAuc(),
        new RocAuc(RocAucKind.OneVersusRest),
        new RocAuc(RocAucKind.WeightedOneVersusRest),
        new RocAuc(RocAucKind.OneVersusOne),
        new AveragePrecision(),

        // Regression.
        new MeanSquaredError(),
        new RootMeanSquaredError(),
        new MeanAbsoluteError(),
        new MedianAbsoluteError(),
        new MeanAbsolutePercentageError(),
        new RSquared(),
        new RSquared(OutputAverage.VarianceWeighted),
        new ExplainedVariance(),
        new ExplainedVariance(OutputAverage.VarianceWeighted),
        new Pearson(),
        new Spearman(),
    ];

    /// <summary>The metric of a name.</summary>
    /// <exception cref="MetricException">There is none; the message lists all names.</exception>
    public static IMetric Find(string name) =>
        All.FirstOrDefault(metric => string.Equals(metric.Name, name, StringComparison.Ordinal)) ?? throw new MetricException(
            ErrorCodes.MetricUnknown, "metrics", $"'{name}' is not a metric", $"The metrics are {string.Join(", ", All.Select(metric => metric.Name))}");
}
