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
    /// <remarks>Where gradients must not be in memory together, up to 8 rows are read in one pass, and each gradient is given back as soon as it is complete.</remarks>
    /// <param name="tuned">The model and what learns.</param>
    /// <param name="objective">What is learned.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="seed">The seed of masks.</param>
    /// <param name="groupOf">The group of a weight.</param>
    /// <param name="oneByOne">True where gradients must not be in memory together.</param>
    /// <returns>The share of each group; they add up to 1, or are all 0 where there is no gradient.</returns>
    public static IReadOnlyDictionary<string, double> Of(
        TunedModel tuned, IObjective objective, IReadOnlyList<Example> rows, ulong seed, Func<Parameter, string> groupOf, bool oneByOne)
    {
        Dictionary<Tensor, Parameter> weights = tuned.Trainable.ToDictionary(parameter => parameter.Value);
        var squares = tuned.Trainable.Select(groupOf).Distinct(StringComparer.Ordinal).ToDictionary(group => group, _ => 0.0, StringComparer.Ordinal);
        void Take(Tensor weight)
        {
            if (weights.TryGetValue(weight, out Parameter? parameter) && weight.Grad is { } gradient)
            {
                squares[groupOf(parameter)] += Updates.SquaredNorm(gradient);
                weight.ClearGrad();
            }
        }

        int count = Math.Min(oneByOne ? Together : Rows, rows.Count);
        Example[] chosen = [.. Enumerable.Range(0, count).Select(i => rows[(int)((long)i * rows.Count / count)])];
        foreach (Example[] part in chosen.Chunk(Together))
        {
            using Tape tape = Tape.Begin(backend: tuned.Model.Backend);
            Batch batch = objective.Collate(part, new Rng(seed, RngStream.Augmentation), ulong.MaxValue);
            tape.Backward(objective.Loss(tuned.Model, batch, 1f / count), onComplete: oneByOne ? Take : null);
        }

        foreach (Parameter parameter in tuned.Trainable)
        {
            Take(parameter.Value);
        }

        double total = squares.Values.Sum();
        return squares.ToDictionary(pair => pair.Key, pair => total > 0 ? pair.Value / total : 0, StringComparer.Ordinal);
    }
}
