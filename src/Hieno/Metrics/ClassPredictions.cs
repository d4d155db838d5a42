using System.Globalization;
using System.Runtime.InteropServices;
using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>One label for each row: classification, and token classification with the ignored tokens left out.</summary>
public sealed class ClassPredictions : Predictions
{
    private readonly int[] _truth;
    private readonly int[] _predicted;
    private readonly float[,]? _scores;
    private readonly int[] _scoreRow; // row of _scores of each example, so that a selection shares the scores

    private ClassPredictions(int[] truth, int[] predicted, float[,]? scores, int[] scoreRow, bool areLogits, int labelCount, IReadOnlyList<string>? labels)
    {
        (_truth, _predicted, _scores, _scoreRow) = (truth, predicted, scores, scoreRow);
        (AreLogits, LabelCount, Labels) = (areLogits, labelCount, labels);
    }

    /// <inheritdoc/>
    public override int Count => _truth.Length;

    /// <summary>The right label of each row.</summary>
    public ReadOnlySpan<int> Truth => _truth;

    /// <summary>The predicted label of each row: the one of the largest score, the lower index where two are equal.</summary>
    public ReadOnlySpan<int> Predicted => _predicted;

    /// <summary>The names of the labels, or null where they have none.</summary>
    public IReadOnlyList<string>? Labels { get; }

    /// <summary>Number of labels K: that of the names or of the scores of a row; without both, the largest label seen + 1.</summary>
    public int LabelCount { get; }

    /// <summary>True when each row has a score for each label.</summary>
    public bool HasScores => _scores is not null;

    /// <summary>True when the scores are logits, false when they are probabilities.</summary>
    public bool AreLogits { get; }

    /// <summary>Labels only.</summary>
    /// <param name="truth">Right labels, each 0 or more.</param>
    /// <param name="predicted">Predicted labels, as many.</param>
    /// <param name="labels">Names of all labels, or null.</param>
    /// <exception cref="ArgumentException">The lengths differ, or a label is negative or has no name.</exception>
    public static ClassPredictions FromLabels(int[] truth, int[] predicted, IReadOnlyList<string>? labels = null)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(predicted);
        if (truth.Length != predicted.Length)
        {
            throw new ArgumentException($"ClassPredictions: {truth.Length} right labels and {predicted.Length} predicted ones. Give one of each for a row.", nameof(predicted));
        }

        int count = labels?.Count ?? (truth.Length == 0 ? 0 : Math.Max(truth.Max(), predicted.Max()) + 1);
        CheckLabels(truth, count, nameof(truth));
        CheckLabels(predicted, count, nameof(predicted));
        return new ClassPredictions([.. truth], [.. predicted], scores: null, scoreRow: [], areLogits: false, count, labels);
    }

    /// <summary>Unnormalised scores; their softmax over a row is the probability.</summary>
    /// <param name="truth">Right labels, shape [N].</param>
    /// <param name="logits">Scores, shape [N, K]. Not copied: leave them unchanged.</param>
    /// <param name="labels">Names of the K labels, or null.</param>
    /// <exception cref="ArgumentException">The extents do not fit each other, or a label is not one of the K.</exception>
    /// <exception cref="MetricException">A score is NaN or +∞, or all scores of a row are −∞.</exception>
    public static ClassPredictions FromLogits(int[] truth, float[,] logits, IReadOnlyList<string>? labels = null) =>
        FromScores(truth, logits, areLogits: true, labels);

    /// <summary>Probabilities.</summary>
    /// <param name="truth">Right labels, shape [N].</param>
    /// <param name="probabilities">Scores, each 0 or more, shape [N, K]. Not copied: leave them unchanged.</param>
    /// <param name="labels">Names of the K labels, or null.</param>
    /// <exception cref="ArgumentException">The extents do not fit each other, or a label is not one of the K.</exception>
    /// <exception cref="MetricException">A probability is not within [0, 1], or all of a row are 0.</exception>
    public static ClassPredictions FromProbabilities(int[] truth, float[,] probabilities, IReadOnlyList<string>? labels = null) =>
        FromScores(truth, probabilities, areLogits: false, labels);

    /// <inheritdoc/>
    protected override Predictions SelectRows(ReadOnlySpan<int> rows) =>
        new ClassPredictions(
            Pick(_truth, rows), Pick(_predicted, rows), _scores, HasScores ? Pick(_scoreRow, rows) : [], AreLogits, LabelCount, Labels);

    /// <summary>The name of a label: its index where labels have no names.</summary>
    public string NameOf(int label) => Labels is null ? label.ToString(CultureInfo.InvariantCulture) : Labels[label];

    /// <summary>The labels that averages and tables run over: all that have a name; without names, those that occur in truth or prediction.</summary>
    public int[] ListedLabels() =>
        Labels is not null ? [.. Enumerable.Range(0, LabelCount)] : [.. _truth.Concat(_predicted).Distinct().Order()];

    /// <summary>The scores of a row, as they were given; shape [K].</summary>
    /// <exception cref="InvalidOperationException">There are no scores.</exception>
    public ReadOnlySpan<float> Scores(int row)
    {
        if (_scores is null)
        {
            throw new InvalidOperationException("ClassPredictions: these predictions have labels only. Build them from logits or probabilities.");
        }

        return MemoryMarshal.CreateReadOnlySpan(ref _scores[_scoreRow[row], 0], LabelCount);
    }

    /// <summary>The probabilities of a row, which sum to 1: the softmax of its logits, or its probabilities divided by their sum.</summary>
    /// <param name="row">The row.</param>
    /// <param name="destination">Receives K probabilities.</param>
    public void Probabilities(int row, Span<double> destination)
    {
        var scores = Scores(row);
        double max = 0;
        if (AreLogits)
        {
            max = scores[_predicted[row]]; // subtracted before exp, so that nothing overflows
        }

        double sum = 0;
        for (int k = 0; k < scores.Length; k++)
        {
            destination[k] = AreLogits ? Math.Exp(scores[k] - max) : scores[k];
            sum += destination[k];
        }

        for (int k = 0; k < scores.Length; k++)
        {
            destination[k] /= sum;
        }
    }

    /// <summary>A number for each row that grows with the model's belief in a label: what ranking metrics sort by.</summary>
    /// <remarks>
    /// For two labels the difference of the logits: a probability of 1 to the last bit would tie rows that the model does tell apart.
    /// </remarks>
    internal double[] RankingScores(int label)
    {
        var ranking = new double[Count];
        var probabilities = new double[LabelCount];
        for (int row = 0; row < Count; row++)
        {
            var scores = Scores(row);
            if (AreLogits && LabelCount == 2)
            {
                ranking[row] = (double)scores[label] - scores[1 - label];
            }
            else if (AreLogits)
            {
                Probabilities(row, probabilities);
                ranking[row] = probabilities[label];
            }
            else
            {
                ranking[row] = scores[label];
            }
        }

        return ranking;
    }

    /// <summary>Refuses predictions without scores.</summary>
    internal ClassPredictions WithScores(IMetric metric) => HasScores ? this : throw new MetricException(
        ErrorCodes.MetricWrongKind, metric.Name, "it needs a score for each label, and these predictions have labels only",
        "Evaluate with logits or probabilities");

    private static ClassPredictions FromScores(int[] truth, float[,] scores, bool areLogits, IReadOnlyList<string>? labels)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(scores);
        (int rows, int count) = (scores.GetLength(0), scores.GetLength(1));
        if (rows != truth.Length || count == 0)
        {
            throw new ArgumentException(
                $"ClassPredictions: {truth.Length} right labels, and scores of shape [{rows}, {count}]. Give one of each for a row, and at least one label.", nameof(scores));
        }

        if (labels is not null && labels.Count != count)
        {
            throw new ArgumentException($"ClassPredictions: {count} scores in a row and {labels.Count} names of labels. Give one name for each score.", nameof(labels));
        }

        CheckLabels(truth, count, nameof(truth));
        var predicted = new int[rows];
        for (int row = 0; row < rows; row++)
        {
            predicted[row] = Largest(MemoryMarshal.CreateReadOnlySpan(ref scores[row, 0], count), areLogits, row);
        }

        return new ClassPredictions([.. truth], predicted, scores, [.. Enumerable.Range(0, rows)], areLogits, count, labels);
    }

    // The index of the largest score, the first of equals; checks every score on the way.
    private static int Largest(ReadOnlySpan<float> scores, bool areLogits, int row)
    {
        int best = 0;
        for (int k = 0; k < scores.Length; k++)
        {
            float score = scores[k];
            if (areLogits ? float.IsNaN(score) || float.IsPositiveInfinity(score) : !(score is >= 0 and <= 1.0001f))
            {
                throw new MetricException(
                    ErrorCodes.MetricNotFinite, "ClassPredictions",
                    string.Create(CultureInfo.InvariantCulture, $"the {(areLogits ? "logit" : "probability")} of row {row}, label {k} is {score}"),
                    areLogits ? "Look at that row, and at the training loss before it" : "Give numbers from 0 to 1, or use FromLogits");
            }

            best = score > scores[best] ? k : best;
        }

        if (scores[best] == (areLogits ? float.NegativeInfinity : 0))
        {
            throw new MetricException(
                ErrorCodes.MetricNotFinite, "ClassPredictions", $"no label of row {row} has a probability above 0", "Look at that row's scores");
        }

        return best;
    }

    private static void CheckLabels(int[] values, int count, string parameter)
    {
        int row = Array.FindIndex(values, label => label < 0 || label >= count);
        if (row >= 0)
        {
            throw new ArgumentException(
                $"ClassPredictions: row {row} has label {values[row]}, and labels go from 0 to {count - 1}. Leave ignored rows out.", parameter);
        }
    }
}
