using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Vgg;

/// <summary>The settings of a VGG network, as a user writes them beside torchvision's weights.</summary>
public sealed record VggConfig
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="CheckpointException">There is no network of that depth.</exception>
    public VggConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int depth = config.GetInt("depth");
        Depths = depth switch
        {
            11 => [1, 1, 2, 2, 2],
            13 => [2, 2, 2, 2, 2],
            16 => [2, 2, 3, 3, 3],
            19 => [2, 2, 4, 4, 4],
            _ => throw config.Error("depth", $"is {depth}, expected 11, 13, 16 or 19", "Say the depth that the weights were published with"),
        };
        HasNorms = config.GetBool("batch_norm", false);
        Dropout = config.GetFloat("dropout", 0.5f);
    }

    /// <summary>Convolutions of each stage, by the key <c>depth</c>: 11, 13, 16 or 19 layers with weights, three of them linear.</summary>
    public IReadOnlyList<int> Depths { get; }

    /// <summary><c>batch_norm</c>: whether batch normalisation follows each convolution. Default false.</summary>
    public bool HasNorms { get; }

    /// <summary><c>dropout</c> behind the linear layers. Default 0.5.</summary>
    public float Dropout { get; }
}

/// <summary>A VGG network: stages of convolutions of 3 × 3 pixels, a maximum over 2 × 2 after each, two wide linear layers.</summary>
/// <remarks>Simonyan and Zisserman 2014, <see href="https://arxiv.org/abs/1409.1556"/>, table 1, configurations A, B, D and E.</remarks>
public sealed class VggBackbone : VisionBackbone
{
    private const int FirstWidth = 64;
    private const int LastWidth = 512;
    private const int Side = 7; // pixels of a side that the linear layers read
    private const int Hidden = 4096;

    private readonly VggLayer _stem;
    private readonly VggLayer[] _blocks;
    private readonly Linear _first;
    private readonly Linear _second;
    private readonly float _dropout;

    /// <summary>Builds the body from torchvision's weights under <paramref name="root"/>.</summary>
    public VggBackbone(VggConfig config, WeightScope root)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(root);
        _dropout = config.Dropout;
        var layers = new List<VggLayer>();
        (int channels, int number) = (3, 0);
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            int features = Math.Min(LastWidth, FirstWidth << stage);
            for (int layer = 0; layer < config.Depths[stage]; layer++)
            {
                // A module list of torchvision's: convolution, normalisation if there is one, ReLU; a maximum closes a stage.
                bool isLast = layer == config.Depths[stage] - 1;
                layers.Add(Add(new VggLayer(root.At("features").AtDepth(layers.Count), number, channels, features, config.HasNorms, isLast)));
                number += (config.HasNorms ? 3 : 2) + (isLast ? 1 : 0);
                channels = features;
            }
        }

        (_stem, _blocks) = (layers[0], [.. layers.Skip(1)]);
        WeightScope end = root.AtDepth(layers.Count);
        _first = Add(new Linear(end.At("classifier.0"), LastWidth * Side * Side, Hidden, Initializer.Normal(0.01f)));
        _second = Add(new Linear(end.At("classifier.3"), Hidden, Hidden, Initializer.Normal(0.01f)));
    }

    /// <inheritdoc/>
    public override int Width => Hidden;

    /// <summary>All convolutions but the first.</summary>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return _stem.Forward(batch.Pixels);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) => _blocks[index].Forward(x);

    /// <summary>The linear layers: [N, 1, 1, 4096].</summary>
    protected override Tensor Finish(Tensor x, ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor pixels = Ops.AveragePool(x, PoolSide.Adaptive(x.Shape[1], Side), PoolSide.Adaptive(x.Shape[2], Side));
        Tensor hidden = Ops.Dropout(Ops.Activate(_first.Forward(Ops.ChannelsFirst(pixels)), Activation.Relu), _dropout);
        hidden = Ops.Dropout(Ops.Activate(_second.Forward(hidden), Activation.Relu), _dropout);
        return Ops.Reshape(hidden, [x.Shape[0], 1, 1, Hidden]);
    }
}

/// <summary>A convolution of 3 × 3 pixels, a normalisation in some networks, ReLU; the last of a stage takes the maximum over 2 × 2 pixels.</summary>
public sealed class VggLayer : Module
{
    private readonly ConvolutionUnit _unit;
    private readonly bool _halves;

    /// <summary>Builds the layer from the weights under <paramref name="features"/>, numbered as in torchvision.</summary>
    public VggLayer(WeightScope features, int number, int channels, int width, bool hasNorm, bool halves)
        : base($"features.{number}")
    {
        ArgumentNullException.ThrowIfNull(features);
        _halves = halves;
        var convolution = new Convolution(
            features.At($"{number}"), channels, width, kernel: 3, padding: 1, initializer: Initializer.KaimingNormal(width * 9)); // fan-out
        BatchNorm? norm = hasNorm ? new BatchNorm(features.At($"{number + 1}"), width) : null;
        _unit = Add(new ConvolutionUnit(convolution, norm, Activation.Relu));
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H, W, width], or half as many rows and columns.</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor y = _unit.Forward(x);
        var half = new SlidingAxis(Stride: 2);
        return _halves ? Ops.MaxPool(y, PoolSide.Sliding(y.Shape[1], 2, half), PoolSide.Sliding(y.Shape[2], 2, half)) : y;
    }
}

/// <summary>How torchvision's weights of VGG networks are read.</summary>
public sealed class TorchvisionVggFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "torchvision-vgg";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["classifier.0", "classifier.3"];

    /// <inheritdoc/>
    public override string Architecture => "VGG";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) => new VggBackbone(new VggConfig(config), root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new PooledHead(root, "classifier.6", backbone, outputs, initializer: Initializer.Normal(0.01f));

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(224);
}
