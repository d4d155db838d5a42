using System.Globalization;
using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>How the area under the ROC curve, a matter of two labels, is extended to more.</summary>
public enum RocAucKind
{
    /// <summary>Label 1 of two against label 0; the mean over the labels of multi-label predictions.</summary>
    Binary,

    /// <summary>Each label against all others; the plain mean.</summary>
    OneVersusRest,

    /// <summary>Each label against all others; the mean weighted by how often each is right.</summary>
    WeightedOneVersusRest,

    /// <summary>Each label against each other; the plain mean over the pairs.</summary>
    OneVersusOne,
}

/// <summary>The probability that a positive row scores above a negative one, ties counted half: the area under the ROC curve.</summary>
/// <remarks>
/// Computed from mid-ranks, as the Mann–Whitney statistic. One versus one is the measure M of Hand and Till 2001,
/// <see href="https://doi.org/10.1023/A:1010920819831"/>. Labels that are right in no row, or in all, are left out with a warning.
/// </remarks>
public sealed class RocAuc(RocAucKind kind = RocAucKind.Binary) : IMetric
{
    private const double SumTolerance = 1e-3;

    /// <inheritdoc/>
    public string Name => kind switch
    {
        RocAucKind.OneVersusRest => "roc-auc-ovr",
        RocAucKind.WeightedOneVersusRest => "weighted-roc-auc-ovr",
        RocAucKind.OneVersusOne => "roc-auc-ovo",
        _ => "roc-auc",
    };

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        if (kind == RocAucKind.Binary && predictions is MultiLabelPredictions multi)
        {
            multi.RequireRows(this);
            return Mean(
                [.. Enumerable.Range(0, multi.LabelCount).Select(label => Area(multi.Column(label, this), multi.NameOf(label), warnings))],
                weights: null, warnings);
        }

        var classes = predictions.Require<ClassPredictions>(this).WithScores(this);
        if (kind == RocAucKind.Binary)
        {
            return Binary(classes, warnings);
        }

        RequireNormalizedRows(classes);
        return kind == RocAucKind.OneVersusOne ? OneVersusOne(classes, warnings) : OneVersusRest(classes, warnings);
    }

    private double Binary(ClassPredictions classes, MetricWarnings? warnings)
    {
        if (classes.LabelCount != 2)
        {
            throw new MetricException(
                ErrorCodes.MetricWrongKind, Name, $"it is about two labels, and there are {classes.LabelCount}", "Use roc-auc-ovr or roc-auc-ovo");
        }

        return Area(AgainstRest(classes, 1), classes.NameOf(1), warnings);
    }

    private double OneVersusRest(ClassPredictions classes, MetricWarnings? warnings)
    {
        var areas = new double[classes.LabelCount];
        var support = new double[classes.LabelCount];
        for (int label = 0; label < areas.Length; label++)
        {
            var column = AgainstRest(classes, label);
            areas[label] = Area(column, classes.NameOf(label), warnings);
            support[label] = column.Truth.Count(right => right);
        }

        return Mean(areas, kind == RocAucKind.WeightedOneVersusRest ? support : null, warnings);
    }

    private double OneVersusOne(ClassPredictions classes, MetricWarnings? warnings)
    {
        // The scores of the rows of each label, for each label: scores[k][i] are label k's in the rows where i is right.
        int count = classes.LabelCount;
        int[] truth = classes.Truth.ToArray();
        double[][] scores = [.. Enumerable.Range(0, count).Select(classes.RankingScores)];
        int[][] rowsOf = [.. Enumerable.Range(0, count).Select(label => Enumerable.Range(0, truth.Length).Where(row => truth[row] == label).ToArray())];

        foreach (int absent in Enumerable.Range(0, count).Where(label => rowsOf[label].Length == 0))
        {
            warnings?.Add($"{Name}: label '{classes.NameOf(absent)}' is right in no row, and was left out.");
        }

        (double sum, int pairs) = (0, 0);
        for (int i = 0; i < count; i++)
        {
            for (int j = i + 1; j < count; j++)
            {
                if (rowsOf[i].Length > 0 && rowsOf[j].Length > 0)
                {
                    int[] rows = [.. rowsOf[i], .. rowsOf[j]];
                    bool[] isFirst = [.. rows.Select(row => truth[row] == i)];
                    bool[] isSecond = [.. rows.Select(row => truth[row] == j)];
                    double[] first = [.. rows.Select(row => scores[i][row])];
                    double[] second = [.. rows.Select(row => scores[j][row])];
                    sum += (Ranks.Auc(first, isFirst) + Ranks.Auc(second, isSecond)) / 2;
                    pairs++;
                }
            }
        }

        return pairs > 0 ? sum / pairs : Undefined(warnings);
    }

    private static (double[] Scores, bool[] Truth) AgainstRest(ClassPredictions classes, int label)
    {
        var truth = new bool[classes.Count];
        for (int row = 0; row < truth.Length; row++)
        {
            truth[row] = classes.Truth[row] == label;
        }

        return (classes.RankingScores(label), truth);
    }

    private double Area((double[] Scores, bool[] Truth) column, string label, MetricWarnings? warnings)
    {
        double area = Ranks.Auc(column.Scores, column.Truth);
        if (double.IsNaN(area))
        {
            warnings?.Add($"{Name}: undefined for label '{label}', which is right in no row or in all rows.");
        }

        return area;
    }

    private double Mean(double[] areas, double[]? weights, MetricWarnings? warnings)
    {
        (double sum, double total) = (0, 0);
        for (int label = 0; label < areas.Length; label++)
        {
            if (!double.IsNaN(areas[label]))
            {
                double weight = weights?[label] ?? 1;
                sum += weight * areas[label];
                total += weight;
            }
        }

        return total > 0 ? sum / total : Undefined(warnings);
    }

    private double Undefined(MetricWarnings? warnings)
    {
        warnings?.Add($"{Name}: undefined, since fewer than two labels occur in the truth.");
        return double.NaN;
    }

    // Scores of different labels are compared with the same label's only, but the common definition is about probabilities.
    private void RequireNormalizedRows(ClassPredictions classes)
    {
        for (int row = 0; !classes.AreLogits && row < classes.Count; row++)
        {
            double sum = 0;
            foreach (float probability in classes.Scores(row))
            {
                sum += probability;
            }

            if (Math.Abs(sum - 1) > SumTolerance)
            {
                throw new MetricException(
                    ErrorCodes.MetricWrongKind, Name,
                    string.Create(CultureInfo.InvariantCulture, $"the probabilities of row {row} sum to {sum:G6}, not to 1"), "Normalise them, or use FromLogits");
            }
        }
    }
}
