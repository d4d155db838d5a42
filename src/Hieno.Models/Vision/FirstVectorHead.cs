using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>The usual output layer of vision transformers: a linear layer that reads the first vector of each picture, its class vector or the only one.</summary>
public sealed class FirstVectorHead : VisionHead
{
    private readonly Linear _classifier;

    /// <summary>Takes the layer <c>classifier</c> from <paramref name="root"/>.</summary>
    /// <param name="root">The root of the checkpoint.</param>
    /// <param name="backbone">The body.</param>
    /// <param name="outputs">Numbers for each picture.</param>
    /// <param name="initializer">First values of a new layer.</param>
    public FirstVectorHead(WeightScope root, VisionBackbone backbone, int outputs, Initializer initializer)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(backbone);
        WeightScope head = root.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        _classifier = Add(new Linear(head.At("classifier"), backbone.Width, outputs, initializer));
    }

    /// <inheritdoc/>
    public override int Outputs => _classifier.Out;

    /// <summary>The layer's matrix, [outputs, width].</summary>
    public Parameter Weight => _classifier.Weight;

    /// <summary>Its offsets, [outputs].</summary>
    public Parameter Offset => _classifier.Bias!;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch) => _classifier.Forward(VisionTransformer.VectorsAt(features, batch, 0)); // [N, C] → [N, outputs]
}
