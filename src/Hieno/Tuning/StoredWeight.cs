using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Reads and changes the weight of a layer as [out, in], however the checkpoint stores it.</summary>
public static class StoredWeight
{
    /// <summary>Each output's weights times a factor of its own, in the layer's order.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="stored">Its weight, as it is stored.</param>
    /// <param name="factors">[out].</param>
    public static Tensor ScaleOutputs(Linear layer, Tensor stored, Tensor factors) =>
        layer.Transposed ? Ops.ScaleColumns(Wide(stored), factors) : Ops.Transpose(Ops.ScaleColumns(Ops.Transpose(Wide(stored)), factors));

    /// <summary>Each input's weights times a factor of its own, in the layer's order.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="stored">Its weight, as it is stored.</param>
    /// <param name="factors">[in].</param>
    public static Tensor ScaleInputs(Linear layer, Tensor stored, Tensor factors) =>
        layer.Transposed ? Ops.Transpose(Ops.ScaleColumns(Ops.Transpose(Wide(stored)), factors)) : Ops.ScaleColumns(Wide(stored), factors);

    /// <summary>The weight plus a change.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="stored">Its weight, as it is stored.</param>
    /// <param name="change">ΔW, [out, in].</param>
    public static Tensor Add(Linear layer, Tensor stored, Tensor change) => Ops.Add(Wide(stored), layer.Transposed ? Ops.Transpose(change) : change);

    /// <summary>A change of the rows of the weight, seen as [out, in], in the layer's order.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="stored">Its weight, as it is stored.</param>
    /// <param name="change">Computes [out, in] from [out, in].</param>
    public static Tensor Map(Linear layer, Tensor stored, Func<Tensor, Tensor> change) =>
        layer.Transposed ? Ops.Transpose(change(Ops.Transpose(Wide(stored)))) : change(Wide(stored));

    /// <summary>Writes a new weight over the layer's own.</summary>
    /// <param name="layer">The layer, whose weight lies in memory of its own.</param>
    /// <param name="change">Computes the new weight, as it is stored, from the present one.</param>
    public static void Rewrite(Linear layer, Func<Tensor, Tensor> change)
    {
        Tensor weight = layer.Weight.Base;
        using Tape tape = Tape.Begin(record: false, backend: weight.Backend);
        weight.Backend.Copy(change(weight), weight);
    }

    // Sums and products are of 32 bits; a frozen weight may be stored in 16 or 4.
    private static Tensor Wide(Tensor stored)
    {
        if (stored.DType == DType.F32)
        {
            return stored;
        }

        Tensor wide = Tensor.Create(stored.Shape, stored.Backend);
        stored.Backend.Copy(stored, wide);
        return wide;
    }
}
