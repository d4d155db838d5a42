using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>The output layer of most convolutional networks: the mean over all pixels, then a linear layer.</summary>
public sealed class PooledHead : VisionHead
{
    private readonly Linear _linear;
    private readonly float _dropout;

    /// <summary>Takes the linear layer's weights from <paramref name="root"/>.</summary>
    /// <param name="root">The root of the checkpoint.</param>
    /// <param name="name">The layer's name, e.g. <c>fc</c>.</param>
    /// <param name="backbone">The body.</param>
    /// <param name="outputs">Numbers for each picture.</param>
    /// <param name="dropout">The part of the means that is left out in training. Default 0.</param>
    /// <param name="initializer">First values of a new layer's weight; Kaiming-uniform when null.</param>
    public PooledHead(WeightScope root, string name, VisionBackbone backbone, int outputs, float dropout = 0f, Initializer? initializer = null)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(backbone);
        _dropout = dropout;
        WeightScope head = root.At(name).As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        _linear = Add(new Linear(head, backbone.Width, outputs, initializer ?? Initializer.KaimingUniform(backbone.Width)));
    }

    /// <inheritdoc/>
    public override int Outputs => _linear.Out;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch) => _linear.Forward(Ops.Dropout(Means(features), _dropout));

    /// <summary>The mean of each channel over all pixels of a picture.</summary>
    /// <param name="features">[N, H, W, C].</param>
    /// <returns>[N, C].</returns>
    public static Tensor Means(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        Tensor means = Ops.AveragePool(features, PoolSide.Adaptive(features.Shape[1], 1), PoolSide.Adaptive(features.Shape[2], 1));
        return Ops.Reshape(means, [features.Shape[0], features.Shape[3]]);
    }
}
