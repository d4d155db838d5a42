using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.ResNet;

/// <summary>A residual network: a wide convolution, a maximum over its pixels, and stages of blocks whose change is added to what they read.</summary>
/// <remarks>He et al. 2015, <see href="https://arxiv.org/abs/1512.03385"/>, section 3 and table 1.</remarks>
public sealed class ResNetBackbone : VisionBackbone
{
    private readonly ConvolutionUnit _stem;
    private readonly ResNetBlock[] _blocks;

    /// <summary>Builds the body from the weights under <paramref name="w"/>.</summary>
    public ResNetBackbone(ResNetConfig config, ResNetNames names, WeightScope w)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(names);
        _stem = Add(ResNetBlock.Unit(w, names.Stem, config.Channels, config.StemWidth, kernel: 7, stride: 2, config.Activation));
        var blocks = new List<ResNetBlock>();
        int channels = config.StemWidth;
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            for (int layer = 0; layer < config.Depths[stage]; layer++)
            {
                bool halves = layer == 0 && (stage > 0 || config.FirstStageHalves);
                WeightScope block = w.At(names.Block(stage, layer)).AtDepth(blocks.Count + 1);
                blocks.Add(Add(new ResNetBlock(config, names, block, channels, config.Widths[stage], halves ? 2 : 1)));
                channels = config.Widths[stage];
            }
        }

        (_blocks, Width) = ([.. blocks], channels);
    }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = _stem.Forward(batch.Pixels);
        var half = SlidingAxis.Padded(stride: 2, padding: 1);
        return Ops.MaxPool(x, PoolSide.Sliding(x.Shape[1], 3, half), PoolSide.Sliding(x.Shape[2], 3, half));
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) => _blocks[index].Forward(x);
}

/// <summary>Two or three convolutions beside a shortcut: y = act(x + F(x)).</summary>
public sealed class ResNetBlock : Module
{
    private const int Reduction = 4;

    private readonly ConvolutionUnit[] _units;
    private readonly ConvolutionUnit? _shortcut;
    private readonly Activation _activation;

    /// <summary>Builds the block from the weights under <paramref name="w"/>, e.g. <c>layer2.0</c>.</summary>
    public ResNetBlock(ResNetConfig config, ResNetNames names, WeightScope w, int channels, int features, int stride)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(names);
        _activation = config.Activation;
        if (config.HasBottlenecks)
        {
            int inner = features / Reduction;
            (int first, int second) = config.HalvesFirst ? (stride, 1) : (1, stride);
            _units =
            [
                Add(Unit(w, names.Unit(0), channels, inner, kernel: 1, first, _activation)),
                Add(Unit(w, names.Unit(1), inner, inner, kernel: 3, second, _activation)),
                Add(Unit(w, names.Unit(2), inner, features, kernel: 1, stride: 1, Activation.Identity)),
            ];
        }
        else
        {
            _units =
            [
                Add(Unit(w, names.Unit(0), channels, features, kernel: 3, stride, _activation)),
                Add(Unit(w, names.Unit(1), features, features, kernel: 3, stride: 1, Activation.Identity)),
            ];
        }

        bool isSame = channels == features && stride == 1;
        _shortcut = isSame ? null : Add(Unit(w, names.Shortcut, channels, features, kernel: 1, stride, Activation.Identity));
    }

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H, W, features], or half as many rows and columns.</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor change = x;
        foreach (ConvolutionUnit unit in _units)
        {
            change = unit.Forward(change);
        }

        return Ops.Activate(Ops.Add(change, _shortcut?.Forward(x) ?? x), _activation);
    }

    internal static ConvolutionUnit Unit(
        WeightScope w, (string Convolution, string Norm) names, int channels, int features, int kernel, int stride, Activation activation)
    {
        var start = Initializer.KaimingNormal(features * kernel * kernel); // fan-out, as in torchvision
        var convolution = new Convolution(w.At(names.Convolution), channels, features, kernel, stride, kernel / 2, bias: false, initializer: start);
        return new ConvolutionUnit(convolution, new BatchNorm(w.At(names.Norm), features), activation);
    }
}

/// <summary>How Hugging Face's checkpoints of residual networks are read.</summary>
public sealed class ResNetFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "resnet";

    /// <inheritdoc/>
    public override string BasePrefix => "resnet";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["convolution"];

    /// <inheritdoc/>
    public override string Architecture => "ResNetForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new ResNetBackbone(ResNetConfig.HuggingFace(config), ResNetNames.HuggingFace, root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new PooledHead(root, ResNetNames.HuggingFace.Head, backbone, outputs);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(224);
}

/// <summary>How torchvision's weights of residual networks are read.</summary>
public sealed class TorchvisionResNetFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "torchvision-resnet";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["conv1", "conv2", "conv3"];

    /// <inheritdoc/>
    public override string Architecture => "ResNet";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) =>
        new ResNetBackbone(ResNetConfig.Torchvision(config), ResNetNames.Torchvision, root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new PooledHead(root, ResNetNames.Torchvision.Head, backbone, outputs);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(224);
}
