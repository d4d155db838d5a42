using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>A change of a layer that turns its input, x' = xP, so that the weight becomes W' = WPᵀ when it is merged.</summary>
/// <param name="layer">The layer.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class InputRotation(Linear layer, string adapter) : LinearUpdate(layer, adapter)
{
    /// <inheritdoc/>
    public override LinearUpdateForm Form => LinearUpdateForm.ChangesInput;

    /// <inheritdoc/>
    public sealed override Tensor TransformInput(Tensor x) => Rotate(x, back: false);

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(Layer, weight => StoredWeight.Map(Layer, weight, rows => Rotate(rows, back: true)));

    /// <summary>Turns rows.</summary>
    /// <param name="rows">[..., in].</param>
    /// <param name="back">False multiplies by P, true by Pᵀ.</param>
    /// <returns>Shape of <paramref name="rows"/>.</returns>
    protected abstract Tensor Rotate(Tensor rows, bool back);
}
