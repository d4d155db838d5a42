using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>The mean loss: over target tokens for language modelling, over rows otherwise.</summary>
public sealed class Loss : IMetric
{
    /// <inheritdoc/>
    public string Name => "loss";

    /// <inheritdoc/>
    public bool HigherIsBetter => false;

    /// <inheritdoc/>
    public double Compute(Predictions predictions, MetricWarnings? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        predictions.RequireRows(this);
        if (predictions is TokenPredictions tokens)
        {
            return tokens.MeanPerToken(this);
        }

        return predictions.Losses?.Average() ?? throw new MetricException(
            ErrorCodes.MetricWrongKind, Name, $"these {predictions.GetType().Name} carry no losses", "Set Losses to one number for each row");
    }
}
