using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A trainable change of what a convolution gives.</summary>
/// <param name="layer">The layer.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class ConvolutionUpdate(Convolution layer, string adapter) : AdapterPart(adapter)
{
    /// <summary>The layer.</summary>
    public Convolution Layer { get; } = layer;

    /// <inheritdoc/>
    public sealed override Module Place => Layer;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => [Layer.Weight];

    /// <summary>The layer's output with the change.</summary>
    /// <param name="x">What came into the layer, [N, H, W, channels].</param>
    /// <param name="y">What the layer gives, changed by the updates before this one, [N, H', W', features].</param>
    /// <returns>Shape of <paramref name="y"/>.</returns>
    public abstract Tensor Apply(Tensor x, Tensor y);

    /// <inheritdoc/>
    public sealed override void Attach() => Layer.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Layer.Detach(this);
}
