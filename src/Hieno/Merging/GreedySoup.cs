using Hieno.Metrics;
using Hieno.Models;

namespace Hieno.Merging;

/// <summary>What became of one ingredient.</summary>
/// <param name="Model">Its folder.</param>
/// <param name="Alone">The metric of the model by itself.</param>
/// <param name="Together">The metric of the soup with it.</param>
/// <param name="Kept">Whether it is in the soup.</param>
public sealed record SoupStep(string Model, double Alone, double Together, bool Kept);

/// <summary>A soup to which models are added, best first, as long as it does not get worse on held-out rows.</summary>
/// <param name="Steps">Every ingredient, in the order of trying.</param>
/// <remarks>
/// Wortsman et al. 2022, <see href="https://arxiv.org/abs/2203.05482"/>, recipe 1: order by the metric; add model k when
/// metric(mean(soup ∪ {k})) is at least metric(soup). So the soup is at least as good as its best ingredient on those rows.
/// </remarks>
public sealed record GreedySoup(IReadOnlyList<SoupStep> Steps)
{
    /// <summary>The folders whose mean is the soup; <see cref="WeightMix.Average"/> makes it.</summary>
    public IReadOnlyList<string> Chosen => [.. Steps.Where(step => step.Kept).Select(step => step.Model)];

    /// <summary>The metric of the soup.</summary>
    public double Value => Steps.Last(step => step.Kept).Together;

    /// <summary>Chooses the ingredients; one model is in memory at a time.</summary>
    /// <param name="models">Models tuned from one base with one output layer; at least one.</param>
    /// <param name="metric">What is measured.</param>
    /// <param name="measure">Measures a model on rows that none was trained on.</param>
    /// <exception cref="MergeException">The models do not fit each other.</exception>
    /// <exception cref="Formats.CheckpointException">A file is missing or malformed.</exception>
    public static GreedySoup Choose(IReadOnlyList<string> models, IMetric metric, Func<PretrainedModel, double> measure)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(measure);
        ArgumentOutOfRangeException.ThrowIfZero(models.Count);
        PretrainedModel model = LoadedModel.Open(models[0]).Model;
        double ValueOf(params string[] ingredients)
        {
            using WeightMix mix = WeightMix.Average(ingredients);
            mix.LoadInto(model);
            return measure(model);
        }

        double sign = metric.HigherIsBetter ? 1 : -1;
        (string Model, double Alone)[] order = [.. models.Select(folder => (folder, ValueOf(folder))).ToArray().OrderByDescending(item => sign * item.Item2)];
        string[] soup = [order[0].Model];
        double best = order[0].Alone;
        var steps = new List<SoupStep> { new(order[0].Model, best, best, Kept: true) };
        foreach ((string folder, double alone) in order[1..])
        {
            double together = ValueOf([.. soup, folder]);
            bool kept = sign * together >= sign * best;
            steps.Add(new SoupStep(folder, alone, together, kept));
            (soup, best) = kept ? ([.. soup, folder], together) : (soup, best);
        }

        return new GreedySoup(steps);
    }
}
