using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.TinyDarknet;

/// <summary>Tiny Darknet: fifteen convolutions of 3 × 3 and 1 × 1 pixels by turns, four maxima between them.</summary>
/// <remarks>Redmon, <see href="https://pjreddie.com/darknet/tiny-darknet/"/>; layers as in ml5's conversion of it.</remarks>
public sealed class TinyDarknetBackbone : VisionBackbone
{
    // Features, pixels of a filter's side, and whether a maximum over 2 × 2 pixels follows.
    private static readonly (int Features, int Kernel, bool Halves)[] s_layers =
    [
        (16, 3, true), (32, 3, true),
        (16, 1, false), (128, 3, false), (16, 1, false), (128, 3, true),
        (32, 1, false), (256, 3, false), (32, 1, false), (256, 3, true),
        (64, 1, false), (512, 3, false), (64, 1, false), (512, 3, false), (128, 1, false),
    ];

    private readonly TinyDarknetLayer _stem;
    private readonly TinyDarknetLayer[] _blocks;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, which have no prefix.</summary>
    public TinyDarknetBackbone(WeightScope w)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(w);
        int channels = 3;
        var layers = new TinyDarknetLayer[s_layers.Length];
        for (int i = 0; i < layers.Length; i++)
        {
            (int features, int kernel, bool halves) = s_layers[i];
            layers[i] = Add(new TinyDarknetLayer(w.AtDepth(i), i + 1, channels, features, kernel, halves));
            channels = features;
        }

        (_stem, _blocks, Width) = (layers[0], layers[1..], channels);
    }

    /// <inheritdoc/>
    public override int Width { get; }

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
}

/// <summary>A convolution, its normalisation, and a leaking ReLU; a maximum over 2 × 2 pixels after some.</summary>
public sealed class TinyDarknetLayer : Module
{
    private readonly ConvolutionUnit _unit;
    private readonly bool _halves;

    /// <summary>Builds layer <paramref name="number"/>, from 1.</summary>
    public TinyDarknetLayer(WeightScope w, int number, int channels, int features, int kernel, bool halves)
        : base($"conv{number}")
    {
        ArgumentNullException.ThrowIfNull(w);
        const float Eps = 1e-3f;
        _halves = halves;
        var convolution = new Convolution(
            w.At($"conv{number}"), channels, features, kernel, padding: kernel / 2, bias: false, initializer: Initializer.KaimingNormal(channels * kernel * kernel));
        _unit = Add(new ConvolutionUnit(convolution, new BatchNorm(w.At($"bn{number}"), features, Eps), Activation.LeakyReluTenth));
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H, W, features], or half as many rows and columns, rounded up.</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor y = _unit.Forward(x);
        var half = new SlidingAxis(Stride: 2);
        return _halves ? Ops.MaxPool(y, PoolSide.Sliding(y.Shape[1], 2, half, roundUp: true), PoolSide.Sliding(y.Shape[2], 2, half, roundUp: true)) : y;
    }
}

/// <summary>The output layer: a filter of one pixel for each class, and the mean over all pixels.</summary>
public sealed class TinyDarknetHead : VisionHead
{
    private readonly Convolution _filters;

    internal TinyDarknetHead(WeightScope root, VisionBackbone backbone, int outputs)
        : base(string.Empty)
    {
        WeightScope head = root.At("conv16").As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        _filters = Add(new Convolution(head, backbone.Width, outputs, kernel: 1));
    }

    /// <inheritdoc/>
    public override int Outputs => _filters.Features;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch)
    {
        // The mean of what a linear filter gives is what it gives for the mean.
        Tensor means = PooledHead.Means(features);
        return Ops.Reshape(_filters.Forward(Ops.Reshape(means, [means.Rows, 1, 1, means.Columns])), [means.Rows, Outputs]);
    }
}

/// <summary>How the weights of Tiny Darknet are read, layers numbered from 1: <c>conv1</c>, <c>bn1</c>, …, <c>conv16</c>.</summary>
public sealed class TinyDarknetFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "tiny-darknet";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["conv14", "conv15"];

    /// <inheritdoc/>
    public override string Architecture => "TinyDarknet";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) => new TinyDarknetBackbone(root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) => new TinyDarknetHead(root, backbone, outputs);

    /// <summary>Numbers from 0 to 1; pictures of any size, 224 × 224 unless <c>image_size</c> says otherwise.</summary>
    public override ImageInput InputOf(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int side = config.GetInt("image_size", 224);
        return new ImageInput(side, side, [0f, 0f, 0f], [1f, 1f, 1f]);
    }
}
