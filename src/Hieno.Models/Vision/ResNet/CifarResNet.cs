using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.ResNet;

/// <summary>The settings of a residual network for small pictures. Its weights come without a <c>config.json</c>; these are the keys of one.</summary>
public sealed record CifarResNetConfig
{
    private const int Stages = 3;
    private const int FirstWidth = 16;

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CheckpointException">A key is missing, or <c>depth</c> is not 6·n + 2.</exception>
    public CifarResNetConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Depth = config.GetInt("depth");
        ImageSize = config.GetInt("image_size", 32);
        if (Depth < 8 || (Depth - 2) % (2 * Stages) != 0)
        {
            throw config.Error("depth", $"is {Depth}, expected 6·n + 2", "Say 20, 32, 44, 56 or 110, as many layers as the weights have");
        }
    }

    /// <summary><c>depth</c>: layers with weights, 6·n + 2 with n blocks in each of three stages.</summary>
    public int Depth { get; }

    /// <summary><c>image_size</c>, pixels of a side. Default 32.</summary>
    public int ImageSize { get; }

    /// <summary>Channels of each block, lowest first: 16, 32 and 64, as many blocks of each.</summary>
    public IReadOnlyList<int> Widths
    {
        get
        {
            int blocks = (Depth - 2) / (2 * Stages);
            return [.. Enumerable.Range(0, Stages * blocks).Select(i => FirstWidth << (i / blocks))];
        }
    }
}

/// <summary>A residual network for small pictures: a convolution and three stages of basic blocks, whose shortcuts have no weights.</summary>
/// <remarks>He et al. 2015, <see href="https://arxiv.org/abs/1512.03385"/>, section 4.2.</remarks>
public sealed class CifarResNetBackbone : VisionBackbone
{
    private readonly ConvolutionUnit _stem;
    private readonly CifarResNetBlock[] _blocks;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, which have no prefix.</summary>
    public CifarResNetBackbone(CifarResNetConfig config, WeightScope w)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        IReadOnlyList<int> widths = config.Widths;
        _stem = Add(CifarResNetBlock.Unit(w, "conv1", "bn1", 3, widths[0], stride: 1, Activation.Relu));
        _blocks = new CifarResNetBlock[widths.Count];
        int perStage = widths.Count / 3;
        for (int i = 0; i < _blocks.Length; i++)
        {
            WeightScope block = w.At($"layer{(i / perStage) + 1}.{i % perStage}").AtDepth(i + 1);
            _blocks[i] = Add(new CifarResNetBlock(block, i == 0 ? widths[0] : widths[i - 1], widths[i]));
        }
    }

    /// <inheritdoc/>
    public override int Width => _blocks[^1].Features;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return _stem.Forward(batch.Pixels);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) => _blocks[index].Forward(x);
}

/// <summary>Two convolutions of 3 × 3 pixels beside a shortcut: y = relu(x + F(x)).</summary>
public sealed class CifarResNetBlock : Module
{
    private readonly int _channels;
    private readonly ConvolutionUnit _first;
    private readonly ConvolutionUnit _second;

    /// <summary>Builds the block from the weights under <paramref name="w"/>, e.g. <c>layer2.0</c>; one that widens x halves its sides.</summary>
    public CifarResNetBlock(WeightScope w, int channels, int features)
        : base(w.Path)
    {
        (_channels, Features) = (channels, features);
        _first = Add(Unit(w, "conv1", "bn1", channels, features, stride: features == channels ? 1 : 2, Activation.Relu));
        _second = Add(Unit(w, "conv2", "bn2", features, features, stride: 1, Activation.Identity));
    }

    /// <summary>Channels of the result.</summary>
    public int Features { get; }

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H, W, <see cref="Features"/>], or half as many rows and columns.</returns>
    public Tensor Forward(Tensor x) => Ops.Activate(Ops.Add(_second.Forward(_first.Forward(x)), Shortcut(x)), Activation.Relu);

    internal static ConvolutionUnit Unit(WeightScope w, string convolution, string norm, int channels, int features, int stride, Activation activation)
    {
        var start = Initializer.KaimingNormal(channels * 9); // fan-in, as in pytorch_resnet_cifar10
        return new ConvolutionUnit(
            new Convolution(w.At(convolution), channels, features, kernel: 3, stride, padding: 1, bias: false, initializer: start),
            new BatchNorm(w.At(norm), features),
            activation);
    }

    // Option A of the paper: every other pixel, with channels of zeros at either side.
    private Tensor Shortcut(Tensor x)
    {
        if (Features == _channels)
        {
            return x;
        }

        var every = new SlidingAxis(Stride: 2);
        Tensor fewer = Ops.AveragePool(x, PoolSide.Sliding(x.Shape[1], 1, every), PoolSide.Sliding(x.Shape[2], 1, every));
        Tensor zeros = Tensor.Create(fewer.Shape.WithLast((Features - _channels) / 2), x.Backend);
        zeros.Backend.Fill(zeros, 0f);
        return Ops.ConcatenateColumns(zeros, fewer, zeros);
    }
}

/// <summary>How weights of residual networks for small pictures are read, in the names of <c>pytorch_resnet_cifar10</c>.</summary>
public sealed class CifarResNetFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "cifar-resnet";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["conv1", "conv2"];

    /// <inheritdoc/>
    public override string Architecture => "CifarResNet";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) => new CifarResNetBackbone(new CifarResNetConfig(config), root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) => new PooledHead(root, "linear", backbone, outputs);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(new CifarResNetConfig(config).ImageSize);
}
