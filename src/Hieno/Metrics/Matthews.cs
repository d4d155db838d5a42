namespace Hieno.Metrics;

/// <summary>
/// Matthews' correlation of truth and prediction: (c·s − Σ pₖtₖ) / √((s² − Σ pₖ²)(s² − Σ tₖ²)), with c right rows of s, and label k
/// right tₖ times and predicted pₖ times. From −1 to 1; 0 is chance.
/// </summary>
/// <remarks>Gorodkin 2004, <see href="https://doi.org/10.1016/j.compbiolchem.2004.09.006"/>; Matthews' own formula where there are two labels. 0 where undefined.</remarks>
public sealed class Matthews : IMetric
{
    /// <inheritdoc/>
    public string Name => "matthews";

    /// <inheritdoc/>
    public bool HigherIsBetter => true;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var matrix = ConfusionMatrix.Of(predictions.Require<ClassPredictions>(this));
        (long[] truth, long[] predicted) = (matrix.TruthTotals(), matrix.PredictedTotals());

        // All sums are at most s² < 2⁶², so 64-bit integers hold them exactly.
        long s = predictions.Count;
        (long right, long agreement, long truthSquares, long predictedSquares) = (0, 0, 0, 0);
        for (int label = 0; label < truth.Length; label++)
        {
            right += matrix[label, label];
            agreement += truth[label] * predicted[label];
            truthSquares += truth[label] * truth[label];
            predictedSquares += predicted[label] * predicted[label];
        }

        double spread = Math.Sqrt((s * s) - predictedSquares) * Math.Sqrt((s * s) - truthSquares);
        if (spread == 0)
        {
            warnings?.Add("matthews: undefined, since all rows have one label in the truth or in the prediction; taken as 0.");
            return 0;
        }

        return ((right * s) - agreement) / spread;
    }
}
