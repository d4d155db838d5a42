using Hieno.Data;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>Which layers the rows still pull at: each group's part of the squared length of the gradient.</summary>
internal static class GradientShare
{
    private const int Rows = 64;

    private const int Together = 8;

    /// <summary>Differentiates the mean loss of up to 64 rows, evenly chosen, without dropout or augmentation. Gradients are given back.</summary>
    /// <param name="tuned">The model and what learns.</param>
    /// <param name="objective">What is learned.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="seed">The seed of masks.</param>
    /// <param name="groupOf">The group of a weight.</param>
    /// <returns>The share of each group; they add up to 1, or are all 0 where there is no gradient.</returns>
    public static IReadOnlyDictionary<string, double> Of(TunedModel tuned, IObjective objective, IReadOnlyList<Example> rows, ulong seed, Func<Parameter, string> groupOf)
    {
        int count = Math.Min(Rows, rows.Count);
        Example[] chosen = [.. Enumerable.Range(0, count).Select(i => rows[(int)((long)i * rows.Count / count)])];
        foreach (Example[] part in chosen.Chunk(Together))
        {
            using Tape tape = Tape.Begin(backend: tuned.Model.Backend);
            Batch batch = objective.Collate(part, new Rng(seed, RngStream.Augmentation), ulong.MaxValue);
            tape.Backward(objective.Loss(tuned.Model, batch, 1f / count));
        }

        var squares = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (Parameter parameter in tuned.Trainable)
        {
            string group = groupOf(parameter);
            squares[group] = squares.GetValueOrDefault(group) + (parameter.Value.Grad?.ToArray().Sum(g => (double)g * g) ?? 0);
            parameter.Value.ClearGrad();
        }

        double total = squares.Values.Sum();
        return squares.ToDictionary(pair => pair.Key, pair => total > 0 ? pair.Value / total : 0, StringComparer.Ordinal);
    }
}
