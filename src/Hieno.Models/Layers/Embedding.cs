using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A table with one row for each id, plus whatever attached updates change.</summary>
public sealed class Embedding : Module
{
    private readonly List<EmbeddingUpdate> _updates = [];

    /// <summary>Takes <c>weight</c> from <paramref name="w"/>.</summary>
    public Embedding(WeightScope w, int rows, int width, Initializer initializer)
        : base(w.Path) =>
        Table = Add(w.Weight("weight", [rows, width], initializer));

    /// <summary>The table, [rows, width].</summary>
    public Parameter Table { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _updates;

    /// <summary>The rows of <paramref name="ids"/>, [N, width].</summary>
    public Tensor Forward(int[] ids)
    {
        Tensor y = Ops.Embedding(Table, ids);
        if (_updates.Count > 0 && AdapterRouting.Current is { } routing)
        {
            return routing.Change(y, group => _updates.FindAll(update => update.Adapter == group.Name) is { Count: > 0 } updates
                ? updates.Aggregate(group.Of(y), (vectors, update) => update.Apply(group.Of(ids), vectors))
                : null);
        }

        foreach (EmbeddingUpdate update in _updates)
        {
            if (update.Enabled)
            {
                y = update.Apply(ids, y);
            }
        }

        return y;
    }

    /// <summary>A weight of an update of this table, under the table's name and depth.</summary>
    /// <param name="name">Its last part, e.g. <c>lora_embedding_A</c>.</param>
    /// <param name="value">Its first value, long-lived.</param>
    public Parameter CreateUpdateWeight(string name, Tensor value) => new($"{Path}.{name}", value, Table.Kind, Table.Depth);

    internal void Attach(EmbeddingUpdate update) => _updates.Add(update);

    internal void Detach(EmbeddingUpdate update) => _updates.Remove(update);
}
