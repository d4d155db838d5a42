using Hieno.Metrics;

namespace Hieno.Architecture.Tests.Examples;

/// <summary>The largest error of any row, in the unit of the data.</summary>
public sealed class MaxError : IMetric
{
    /// <inheritdoc/>
    public string Name => "max-error";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        var numbers = predictions.Require<NumberPredictions>(this);
        double largest = 0;
        for (int output = 0; output < numbers.OutputCount; output++)
        {
            for (int row = 0; row < numbers.Count; row++)
            {
                largest = Math.Max(largest, Math.Abs(numbers.Predicted(output)[row] - numbers.Truth(output)[row]));
            }
        }

        return largest;
    }
}
