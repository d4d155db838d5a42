using System.Globalization;
using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>Any number of labels for each row.</summary>
public sealed class MultiLabelPredictions : Predictions
{
    private readonly bool[,] _truth;
    private readonly bool[,] _predicted;
    private readonly float[,]? _scores;
    private readonly int[] _rows; // row of the arrays for each example, so that a selection shares them

    private MultiLabelPredictions(bool[,] truth, bool[,] predicted, float[,]? scores, int[] rows, IReadOnlyList<string>? labels)
    {
        (_truth, _predicted, _scores, _rows, Labels) = (truth, predicted, scores, rows, labels);
    }

    /// <inheritdoc/>
    public override int Count => _rows.Length;

    /// <summary>Number of labels, K.</summary>
    public int LabelCount => _truth.GetLength(1);

    /// <summary>The names of the labels, or null where they have none.</summary>
    public IReadOnlyList<string>? Labels { get; }

    /// <summary>True when each row has a score for each label.</summary>
    public bool HasScores => _scores is not null;

    /// <summary>Decisions only.</summary>
    /// <param name="truth">Which labels are right, shape [N, K]. Not copied: leave them unchanged.</param>
    /// <param name="predicted">Which labels were predicted, shape [N, K]. Not copied.</param>
    /// <param name="labels">Names of the K labels, or null.</param>
    /// <exception cref="ArgumentException">The extents do not fit each other.</exception>
    public static MultiLabelPredictions FromDecisions(bool[,] truth, bool[,] predicted, IReadOnlyList<string>? labels = null)
    {
        ArgumentNullException.ThrowIfNull(predicted);
        CheckExtents(truth, predicted.GetLength(0), predicted.GetLength(1), labels);
        return new MultiLabelPredictions(truth, predicted, scores: null, [.. Enumerable.Range(0, truth.GetLength(0))], labels);
    }

    /// <summary>Scores, of which those above a threshold are predictions.</summary>
    /// <param name="truth">Which labels are right, shape [N, K]. Not copied: leave them unchanged.</param>
    /// <param name="scores">Logits or probabilities, shape [N, K]. Not copied.</param>
    /// <param name="threshold">A label is predicted when its score is above this: 0 (default) for logits, 0.5 for probabilities.</param>
    /// <param name="labels">Names of the K labels, or null.</param>
    /// <exception cref="ArgumentException">The extents do not fit each other.</exception>
    /// <exception cref="MetricException">A score is NaN.</exception>
    public static MultiLabelPredictions FromScores(bool[,] truth, float[,] scores, float threshold = 0, IReadOnlyList<string>? labels = null)
    {
        ArgumentNullException.ThrowIfNull(scores);
        (int rows, int count) = (scores.GetLength(0), scores.GetLength(1));
        CheckExtents(truth, rows, count, labels);
        var predicted = new bool[rows, count];
        for (int row = 0; row < rows; row++)
        {
            for (int k = 0; k < count; k++)
            {
                if (float.IsNaN(scores[row, k]))
                {
                    throw new MetricException(
                        ErrorCodes.MetricNotFinite, "MultiLabelPredictions", $"the score of row {row}, label {k} is NaN",
                        "Look at that row, and at the training loss before it");
                }

                predicted[row, k] = scores[row, k] > threshold;
            }
        }

        return new MultiLabelPredictions(truth, predicted, scores, [.. Enumerable.Range(0, rows)], labels);
    }

    /// <inheritdoc/>
    protected override Predictions SelectRows(ReadOnlySpan<int> rows) =>
        new MultiLabelPredictions(_truth, _predicted, _scores, Pick(_rows, rows), Labels);

    /// <summary>The name of a label: its index where labels have no names.</summary>
    public string NameOf(int label) => Labels is null ? label.ToString(CultureInfo.InvariantCulture) : Labels[label];

    /// <summary>Whether a label is right for a row.</summary>
    public bool Truth(int row, int label) => _truth[_rows[row], label];

    /// <summary>Whether a label was predicted for a row.</summary>
    public bool Predicted(int row, int label) => _predicted[_rows[row], label];

    /// <summary>A label's score in a row, as it was given.</summary>
    /// <exception cref="InvalidOperationException">There are no scores.</exception>
    public float Score(int row, int label) => _scores is not null
        ? _scores[_rows[row], label]
        : throw new InvalidOperationException("MultiLabelPredictions: these predictions have decisions only. Build them from scores.");

    /// <summary>The scores of all rows for a label, or an error that names the metric where there are none.</summary>
    internal (double[] Scores, bool[] Truth) Column(int label, IMetric metric)
    {
        if (!HasScores)
        {
            throw new MetricException(
                ErrorCodes.MetricWrongKind, metric.Name, "it needs a score for each label, and these predictions have decisions only", "Evaluate with scores");
        }

        var scores = new double[Count];
        var truth = new bool[Count];
        for (int row = 0; row < Count; row++)
        {
            (scores[row], truth[row]) = (Score(row, label), Truth(row, label));
        }

        return (scores, truth);
    }

    private static void CheckExtents(bool[,] truth, int rows, int labels, IReadOnlyList<string>? names)
    {
        ArgumentNullException.ThrowIfNull(truth);
        if (truth.GetLength(0) != rows || truth.GetLength(1) != labels)
        {
            throw new ArgumentException(
                $"MultiLabelPredictions: truth is [{truth.GetLength(0)}, {truth.GetLength(1)}], the prediction [{rows}, {labels}]. Give both the same extents.",
                nameof(truth));
        }

        if (names is not null && names.Count != labels)
        {
            throw new ArgumentException($"MultiLabelPredictions: {labels} labels and {names.Count} names. Give one name for each label.", nameof(names));
        }
    }
}
