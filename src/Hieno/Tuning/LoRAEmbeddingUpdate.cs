using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>The trainable pair A, B beside a table: row t becomes E[t] + s·B·A[:, t].</summary>
public sealed class LoRAEmbeddingUpdate : EmbeddingUpdate
{
    private readonly float _scale;

    /// <summary>Makes the pair.</summary>
    /// <param name="layer">The table.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="a">A, [r, rows of the table], long-lived.</param>
    /// <param name="b">B, [width, r], long-lived.</param>
    /// <param name="scale">s.</param>
    public LoRAEmbeddingUpdate(Embedding layer, string adapter, Tensor a, Tensor b, float scale)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        (A, B, _scale) = (layer.CreateUpdateWeight(LoRALayout.EmbeddingA, a), layer.CreateUpdateWeight(LoRALayout.EmbeddingB, b), scale);
        Parameters = [A, B];
    }

    /// <summary>A, [r, rows of the table].</summary>
    public Parameter A { get; }

    /// <summary>B, [width, r].</summary>
    public Parameter B { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(int[] ids, Tensor y)
    {
        Tensor low = Ops.Scale(Ops.Embedding(Ops.Transpose(A), ids), _scale); // [N, r]
        return Ops.Add(y, Ops.Linear(low, B));                                // [N, width]
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        using Tape tape = Tape.Begin(record: false, backend: Layer.Table.Base.Backend);
        Tensor change = Ops.Linear(Ops.Scale(Ops.Transpose(A), _scale), B); // [rows, r]·[r, width]
        change.Backend.AddInto(change, Layer.Table.Base);
    }
}
