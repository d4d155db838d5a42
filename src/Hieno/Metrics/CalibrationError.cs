namespace Hieno.Metrics;

/// <summary>How confidences are grouped, and how the gaps of the groups become one number.</summary>
public enum CalibrationKind
{
    /// <summary>Bins of equal width; the mean gap, weighted by rows: ECE.</summary>
    Expected,

    /// <summary>Bins of equal width; the largest gap: MCE.</summary>
    Maximum,

    /// <summary>Bins of equally many rows; the mean gap, weighted by rows.</summary>
    Adaptive,
}

/// <summary>Rows of similar confidence: a point of a reliability diagram.</summary>
/// <param name="Low">Lower end of the confidences, itself outside the bin.</param>
/// <param name="High">Upper end, itself inside.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Confidence">Mean confidence; NaN in an empty bin.</param>
/// <param name="Accuracy">Share of rows that are right; NaN in an empty bin.</param>
public sealed record CalibrationBin(double Low, double High, int Count, double Confidence, double Accuracy);

/// <summary>How far the model's confidence, the largest probability of a row, is from its accuracy: Σ (|B| / N) · |acc(B) − conf(B)| over bins B.</summary>
/// <remarks>Guo et al. 2017, <see href="https://arxiv.org/abs/1706.04599"/>, eq. 3 and 5. Bins are open below and closed above.</remarks>
public sealed class CalibrationError : IMetric
{
    private readonly CalibrationKind _kind;
    private readonly int _bins;

    /// <summary>Chooses the grouping.</summary>
    /// <param name="kind">Bins and how they are joined. Default: ECE.</param>
    /// <param name="bins">Number of bins, at least 1. Default 15.</param>
    public CalibrationError(CalibrationKind kind = CalibrationKind.Expected, int bins = 15)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        (_kind, _bins) = (kind, bins);
    }

    /// <inheritdoc/>
    public string Name => _kind switch
    {
        CalibrationKind.Maximum => "max-calibration-error",
        CalibrationKind.Adaptive => "adaptive-calibration-error",
        _ => "calibration-error",
    };

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        (double sum, double largest) = (0, 0);
        foreach (var bin in Bins(predictions.Require<ClassPredictions>(this)))
        {
            if (bin.Count > 0)
            {
                double gap = Math.Abs(bin.Accuracy - bin.Confidence);
                sum += gap * bin.Count;
                largest = Math.Max(largest, gap);
            }
        }

        return _kind == CalibrationKind.Maximum ? largest : sum / predictions.Count;
    }

    /// <summary>The points of the reliability diagram.</summary>
    public IReadOnlyList<CalibrationBin> Bins(ClassPredictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        predictions.WithScores(this);
        var probabilities = new double[predictions.LabelCount];
        var rows = new (double Confidence, bool Right)[predictions.Count];
        for (int row = 0; row < rows.Length; row++)
        {
            predictions.Probabilities(row, probabilities);
            rows[row] = (probabilities[predictions.Predicted[row]], predictions.Truth[row] == predictions.Predicted[row]);
        }

        // Sorted by both parts: where equal confidences straddle two bins of equal mass, the order of the rows must not matter.
        Array.Sort(rows);
        return _kind == CalibrationKind.Adaptive ? EqualMass(rows) : EqualWidth(rows);
    }

    private List<CalibrationBin> EqualWidth(ReadOnlySpan<(double Confidence, bool Right)> rows)
    {
        var bins = new List<CalibrationBin>(_bins);
        int start = 0;
        for (int b = 0; b < _bins; b++)
        {
            double high = (double)(b + 1) / _bins;
            int end = start;
            while (end < rows.Length && (rows[end].Confidence <= high || b == _bins - 1))
            {
                end++;
            }

            bins.Add(Bin((double)b / _bins, high, rows[start..end]));
            start = end;
        }

        return bins;
    }

    private List<CalibrationBin> EqualMass(ReadOnlySpan<(double Confidence, bool Right)> rows)
    {
        var bins = new List<CalibrationBin>(_bins);
        double low = 0;
        for (int b = 0; b < _bins; b++)
        {
            var members = rows[(int)((long)rows.Length * b / _bins)..(int)((long)rows.Length * (b + 1) / _bins)];
            double high = members.IsEmpty ? low : members[^1].Confidence;
            bins.Add(Bin(low, high, members));
            low = high;
        }

        return bins;
    }

    private static CalibrationBin Bin(double low, double high, ReadOnlySpan<(double Confidence, bool Right)> rows)
    {
        (double confidence, int right) = (0, 0);
        foreach (var row in rows)
        {
            confidence += row.Confidence;
            right += row.Right ? 1 : 0;
        }

        return new CalibrationBin(low, high, rows.Length, confidence / rows.Length, (double)right / rows.Length);
    }
}
