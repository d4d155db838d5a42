using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tuning;

namespace Hieno.Advice;

/// <summary>What learns in a step, as far as memory depends on it.</summary>
/// <param name="Name">The way of tuning.</param>
/// <param name="Own">The model's own weights that learn.</param>
/// <param name="Added">How many numbers an adapter adds; all learn.</param>
/// <param name="AddedPerToken">Numbers a token that an adapter keeps in each block.</param>
/// <param name="AddedDepth">The lowest depth at which the adapter acts.</param>
internal sealed record Learning(string Name, IReadOnlyList<Parameter> Own, long Added = 0, long AddedPerToken = 0, int AddedDepth = int.MaxValue)
{
    /// <summary>How many numbers learn.</summary>
    public long Count => Own.Sum(parameter => parameter.Count) + Added;

    /// <summary>As <see cref="Count"/>, without the tables, whose gradients come last.</summary>
    public long CountAboveTables => Own.Where(parameter => parameter.Depth > 0).Sum(parameter => parameter.Count) + Added;

    /// <summary>Numbers of the largest weight that learns.</summary>
    public long Largest => Own.Select(parameter => parameter.Count).DefaultIfEmpty(Added).Max();

    /// <summary>As <see cref="Largest"/>, without the tables.</summary>
    public long LargestAboveTables => Own.Where(parameter => parameter.Depth > 0).Select(parameter => parameter.Count).DefaultIfEmpty(Added).Max();

    /// <summary>The lowest depth of a weight that learns: below it nothing is kept for the backward pass.</summary>
    public int LowestDepth => Math.Min(AddedDepth, Own.Count == 0 ? int.MaxValue : Own.Min(parameter => parameter.Depth));

    /// <summary>The learning of low-rank pairs beside layers.</summary>
    public static Learning LowRank(string name, IReadOnlyList<Parameter> own, IReadOnlyList<Linear> layers, int rank, int blocks) => new(
        name, own, layers.Sum(layer => (long)rank * (layer.In + layer.Out)), (long)rank * layers.Count / Math.Max(1, blocks), layers.Min(layer => layer.Weight.Depth));

    /// <summary>What a method made to learn.</summary>
    public static Learning Of(string name, TunedModel tuned)
    {
        Parameter[] parts = [.. tuned.Adapter?.PartWeights() ?? []];
        HashSet<Parameter> added = [.. parts];
        long inner = parts.Where(part => part.Value.Shape.Rank == 2).Sum(part => (long)Math.Min(part.Value.Shape[0], part.Value.Shape[1])) / 2; // of each pair, one side
        return new Learning(
            name, [.. tuned.Trainable.Where(parameter => !added.Contains(parameter))], parts.Sum(part => part.Count),
            inner / Math.Max(1, tuned.Model.Blocks.Count), parts.Length == 0 ? int.MaxValue : parts.Min(part => part.Depth));
    }
}
