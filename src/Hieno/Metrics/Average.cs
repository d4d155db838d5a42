using System.Globalization;
using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>How precision, recall and F of several labels become one number.</summary>
public enum Average
{
    /// <summary>The value of label 1 of two: the positive one.</summary>
    Binary,

    /// <summary>From the hits and misses of all labels together; for one label a row this is the accuracy.</summary>
    Micro,

    /// <summary>The plain mean over the labels: rare ones count as much as frequent ones.</summary>
    Macro,

    /// <summary>The mean over the labels, weighted by how often each is right.</summary>
    Weighted,

    /// <summary>The mean over the rows of multi-label predictions.</summary>
    Samples,
}

/// <summary>The quotient that a metric forms from hits (TP), false alarms (FP) and misses (FN).</summary>
internal delegate (double Numerator, double Denominator) LabelQuotient(double truePositives, double falsePositives, double falseNegatives);

// The averages of a quotient over labels or rows, with the rule for denominators of 0.
internal sealed class AveragedQuotient(IMetric metric, LabelQuotient quotient, ZeroDivision zeroDivision, MetricWarnings? warnings)
{
    /// <summary>The registered name of a metric under an average: <c>f1</c>, <c>macro-f1</c>.</summary>
    public static string NameOf(Average average, string name) => average switch
    {
        Average.Binary => name,
        Average.Micro => "micro-" + name,
        Average.Macro => "macro-" + name,
        Average.Weighted => "weighted-" + name,
        _ => "samples-" + name,
    };

    public double Compute(Predictions predictions, Average average)
    {
        if (average == Average.Samples)
        {
            return OverRows(predictions.Require<MultiLabelPredictions>(metric));
        }

        if (average == Average.Binary)
        {
            return OfPositiveLabel(predictions.Require<ClassPredictions>(metric));
        }

        var counts = LabelCounts.Of(predictions, metric);
        if (average == Average.Micro)
        {
            return Divide(counts.TruePositives.Sum(), counts.FalsePositives.Sum(), counts.FalseNegatives.Sum(), "all labels together");
        }

        double[] values = EachLabel(counts);
        double[] weights = [.. values.Select((_, label) => average == Average.Macro ? 1.0 : counts.Support(label))];
        return Mean(values, weights);
    }

    /// <summary>The value of each label.</summary>
    public double[] EachLabel(LabelCounts counts)
    {
        var values = new double[counts.Names.Length];
        for (int label = 0; label < values.Length; label++)
        {
            values[label] = Divide(
                counts.TruePositives[label], counts.FalsePositives[label], counts.FalseNegatives[label], $"label '{counts.Names[label]}'");
        }

        return values;
    }

    private double OfPositiveLabel(ClassPredictions predictions)
    {
        if (predictions.LabelCount > 2)
        {
            throw new MetricException(
                ErrorCodes.MetricWrongKind, metric.Name, $"it is about one positive label of two, and there are {predictions.LabelCount} labels",
                $"Use macro-{metric.Name}, weighted-{metric.Name} or micro-{metric.Name}");
        }

        (long hits, long falseAlarms, long misses) = (0, 0, 0);
        for (int row = 0; row < predictions.Count; row++)
        {
            (bool truth, bool predicted) = (predictions.Truth[row] == 1, predictions.Predicted[row] == 1);
            hits += truth && predicted ? 1 : 0;
            falseAlarms += !truth && predicted ? 1 : 0;
            misses += truth && !predicted ? 1 : 0;
        }

        return Divide(hits, falseAlarms, misses, "the positive label");
    }

    private double OverRows(MultiLabelPredictions predictions)
    {
        var values = new double[predictions.Count];
        for (int row = 0; row < values.Length; row++)
        {
            (int hits, int falseAlarms, int misses) = (0, 0, 0);
            for (int label = 0; label < predictions.LabelCount; label++)
            {
                (bool truth, bool predicted) = (predictions.Truth(row, label), predictions.Predicted(row, label));
                hits += truth && predicted ? 1 : 0;
                falseAlarms += !truth && predicted ? 1 : 0;
                misses += truth && !predicted ? 1 : 0;
            }

            values[row] = Divide(hits, falseAlarms, misses, "some rows");
        }

        return Mean(values, weights: null);
    }

    // A weighted mean that leaves NaN out; such values exist only where the caller asked for them.
    private double Mean(double[] values, double[]? weights)
    {
        (double sum, double total) = (0, 0);
        for (int i = 0; i < values.Length; i++)
        {
            if (!double.IsNaN(values[i]))
            {
                double weight = weights?[i] ?? 1;
                sum += weight * values[i];
                total += weight;
            }
        }

        return total > 0 ? sum / total : Undefined("all labels");
    }

    private double Divide(double hits, double falseAlarms, double misses, string what)
    {
        (double numerator, double denominator) = quotient(hits, falseAlarms, misses);
        return denominator > 0 ? numerator / denominator : Undefined(what);
    }

    private double Undefined(string what)
    {
        double value = zeroDivision switch { ZeroDivision.Zero => 0, ZeroDivision.One => 1, _ => double.NaN };
        warnings?.Add(string.Create(CultureInfo.InvariantCulture, $"{metric.Name}: undefined for {what}, taken as {value}."));
        return value;
    }
}
