using Hieno.Data;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>A model's values on some rows.</summary>
/// <param name="Values">Metric values by name.</param>
/// <param name="Predictions">What they were computed from.</param>
public sealed record Evaluation(IReadOnlyDictionary<string, double> Values, Predictions Predictions)
{
    /// <summary>Measures a model, in order, without dropout. Masked rows are masked the same way each time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="objective">What it was made for.</param>
    /// <param name="examples">The rows.</param>
    /// <param name="metrics">What to compute.</param>
    /// <param name="batchSize">Rows that go through the model together; the values do not depend on it.</param>
    /// <param name="seed">The seed of masks.</param>
    public static Evaluation Run(PretrainedModel model, IObjective objective, IReadOnlyList<Example> examples, IReadOnlyList<IMetric> metrics, int batchSize, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(metrics);
        IPredictionCollector collector = objective.Collect();
        foreach (Batch batch in Batches(objective, examples, batchSize, seed))
        {
            collector.Add(model, batch);
        }

        Predictions predictions = collector.Result();
        return new Evaluation(metrics.ToDictionary(metric => metric.Name, metric => metric.Compute(predictions), StringComparer.Ordinal), predictions);
    }

    /// <summary>The batches that are measured, in order.</summary>
    internal static IEnumerable<Batch> Batches(IObjective objective, IReadOnlyList<Example> examples, int batchSize, ulong seed)
    {
        var rng = new Rng(seed, RngStream.Augmentation);
        const ulong Draw = ulong.MaxValue; // training counts up from 0
        foreach (Example[] rows in BatchPlan.InOrder(examples, batchSize))
        {
            yield return objective.Collate(rows, rng, Draw, pass: null);
        }
    }
}
