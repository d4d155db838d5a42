using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A table with one row for each id.</summary>
public sealed class Embedding : Module
{
    /// <summary>Takes <c>weight</c> from <paramref name="w"/>.</summary>
    public Embedding(WeightScope w, int rows, int width, Initializer initializer)
        : base(w.Path) =>
        Table = Add(w.Weight("weight", [rows, width], initializer));

    /// <summary>The table, [rows, width].</summary>
    public Parameter Table { get; }

    /// <summary>The rows of <paramref name="ids"/>, [N, width].</summary>
    public Tensor Forward(int[] ids) => Ops.Embedding(Table, ids);
}
