using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>
/// A trainable change of a linear layer. It can act on what the layer reads, on the weight it multiplies with, and on what it gives; a method
/// overrides what it needs.
/// </summary>
/// <param name="layer">The layer.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class LinearUpdate(Linear layer, string adapter) : AdapterPart(adapter)
{
    /// <summary>The layer.</summary>
    public Linear Layer { get; } = layer;

    /// <inheritdoc/>
    public sealed override Module Place => Layer;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => [Layer.Weight];

    /// <summary>What of the layer it changes. Default: it adds to the output.</summary>
    public virtual LinearUpdateForm Form => LinearUpdateForm.AddsToOutput;

    /// <summary>What the layer's own product reads instead of its input, such as a rotated or scaled one.</summary>
    /// <param name="x">The input, changed by the updates before this one, [..., in].</param>
    /// <returns>Shape of <paramref name="x"/>; the input itself unless overridden.</returns>
    public virtual Tensor TransformInput(Tensor x) => x;

    /// <summary>What the layer's own product multiplies with instead of its weight.</summary>
    /// <param name="weight">The weight as it is stored ([out, in], or [in, out] where <see cref="Linear.Transposed"/>), changed by the updates before this one.</param>
    /// <returns>Shape of <paramref name="weight"/>; the weight itself unless overridden.</returns>
    public virtual Tensor TransformWeight(Tensor weight) => weight;

    /// <summary>The layer's output with the change.</summary>
    /// <param name="x">What came into the layer, [..., in].</param>
    /// <param name="y">What the layer gives, changed by the updates before this one, [..., out].</param>
    /// <returns>Shape of <paramref name="y"/>; the output itself unless overridden.</returns>
    public virtual Tensor Apply(Tensor x, Tensor y) => y;

    /// <inheritdoc/>
    public sealed override void Attach() => Layer.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Layer.Detach(this);
}
