using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>
/// Rows that stand in for some rows of a token table, which itself stays as it is: the way to teach a model new tokens without touching those it
/// knows. An output layer that shares the table is given the same rows by <see cref="OutputRows"/>.
/// </summary>
/// <param name="layer">The table.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
/// <param name="rows">The rows, [ids, width].</param>
/// <param name="ids">Which rows of the table they stand in for.</param>
public sealed class TableRows(Embedding layer, string adapter, Parameter rows, IReadOnlyList<int> ids) : EmbeddingUpdate(layer, adapter)
{
    private readonly Dictionary<int, int> _places = ids.Select((id, place) => (id, place)).ToDictionary(item => item.id, item => item.place);

    /// <summary>The rows, [ids, width].</summary>
    public Parameter Rows { get; } = rows;

    /// <summary>Which rows of the table they stand in for.</summary>
    public IReadOnlyList<int> Ids { get; } = ids;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [Rows];

    /// <inheritdoc/>
    public override string? ObstacleToMerging(PretrainedModel model) => null; // a tied output layer is given the same rows

    /// <inheritdoc/>
    public override Tensor Apply(int[] ids, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(y);
        int[] read = [.. Enumerable.Range(0, ids.Length).Where(i => _places.ContainsKey(ids[i]))];
        if (read.Length == 0)
        {
            return y;
        }

        Tensor own = Ops.Rows(Rows, Array.ConvertAll(read, i => _places[ids[i]]));
        int[] from = [.. Enumerable.Range(0, ids.Length)];
        for (int i = 0; i < read.Length; i++)
        {
            from[read[i]] = ids.Length + i;
        }

        return Ops.Rows(Ops.Concatenate(y, own), from);
    }

    /// <inheritdoc/>
    public override void Merge() => WriteInto(Layer.Table.Base, Rows, Ids);

    internal static void WriteInto(Tensor table, Tensor rows, IReadOnlyList<int> ids)
    {
        for (int place = 0; place < ids.Count; place++)
        {
            table.Backend.Copy(rows.RowRange(place, 1), table.RowRange(ids[place], 1));
        }
    }
}

/// <summary>Rows that stand in for some rows of the projection of an output layer: the logits of new tokens.</summary>
/// <param name="head">The output layer.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
/// <param name="rows">The rows, [ids, width]; those of a <see cref="TableRows"/> where the layer shares the token table.</param>
/// <param name="ids">Which rows they stand in for, rising.</param>
public sealed class OutputRows(VocabularyHead head, string adapter, Parameter rows, IReadOnlyList<int> ids) : AdapterPart(adapter)
{
    private readonly VocabularyHead _head = head;

    /// <summary>The rows, [ids, width].</summary>
    public Parameter Rows { get; } = rows;

    /// <summary>Which rows they stand in for.</summary>
    public IReadOnlyList<int> Ids { get; } = ids;

    /// <inheritdoc/>
    public override Module Place => _head;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [Rows];

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => [_head.Projection];

    /// <summary>The logits with those of these rows in their places.</summary>
    /// <param name="prepared">What the projection reads, [N, C].</param>
    /// <param name="logits">[N, V].</param>
    public Tensor Apply(Tensor prepared, Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        Tensor own = Ops.Linear(prepared, Rows, OffsetOfRows()); // [N, ids]
        int[] from = [.. Enumerable.Range(0, logits.Columns)];
        for (int place = 0; place < Ids.Count; place++)
        {
            from[Ids[place]] = logits.Columns + place;
        }

        return Ops.Transpose(Ops.Rows(Ops.Concatenate(Ops.Transpose(logits), Ops.Transpose(own)), from));
    }

    /// <inheritdoc/>
    public override void Attach() => _head.Attach(this);

    /// <inheritdoc/>
    public override void Detach() => _head.Detach(this);

    /// <inheritdoc/>
    public override void Merge() => TableRows.WriteInto(_head.Projection.Base, Rows, Ids);

    private Tensor? OffsetOfRows()
    {
        if (_head.Offset is not { } offset)
        {
            return null;
        }

        Tensor column = Ops.Reshape(offset, [checked((int)offset.Count), 1]);
        return Ops.Reshape(Ops.Rows(column, [.. Ids]), [Ids.Count]);
    }
}
