using System.Globalization;

namespace Hieno.Metrics;

/// <summary>The share of rows whose right label is among the k largest scores; of equal scores, the lower index comes first.</summary>
public sealed class TopKAccuracy : IMetric
{
    private readonly int _k;

    /// <summary>Chooses k.</summary>
    /// <param name="k">How many labels the model may name, at least 1. Default 5.</param>
    public TopKAccuracy(int k = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        _k = k;
        Name = string.Create(CultureInfo.InvariantCulture, $"top-{k}-accuracy");
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var classes = predictions.Require<ClassPredictions>(this).WithScores(this);
        if (_k >= classes.LabelCount)
        {
            warnings?.Add(string.Create(CultureInfo.InvariantCulture, $"{Name}: there are only {classes.LabelCount} labels, so every row counts as right."));
        }

        int right = 0;
        for (int row = 0; row < classes.Count; row++)
        {
            var scores = classes.Scores(row);
            int truth = classes.Truth[row];
            int before = 0; // labels that come before the right one
            for (int k = 0; k < scores.Length; k++)
            {
                before += scores[k] > scores[truth] || (scores[k] == scores[truth] && k < truth) ? 1 : 0;
            }

            right += before < _k ? 1 : 0;
        }

        return (double)right / classes.Count;
    }
}
