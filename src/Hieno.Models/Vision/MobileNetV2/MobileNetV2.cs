using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.MobileNetV2;

/// <summary>MobileNet-v2: a stem, inverted residuals, and a last convolution that widens once more.</summary>
/// <remarks>Sandler et al. 2018, <see href="https://arxiv.org/abs/1801.04381"/>, table 2.</remarks>
public sealed class MobileNetV2Backbone : VisionBackbone
{
    private readonly ConvolutionUnit[] _stem;
    private readonly InvertedResidual[] _blocks;
    private readonly ConvolutionUnit _last;

    /// <summary>Takes in the layers.</summary>
    /// <param name="path">The body's checkpoint path.</param>
    /// <param name="stem">What comes before the first block.</param>
    /// <param name="blocks">The blocks.</param>
    /// <param name="last">The convolution after them.</param>
    public MobileNetV2Backbone(string path, IReadOnlyList<ConvolutionUnit> stem, IReadOnlyList<InvertedResidual> blocks, ConvolutionUnit last)
        : base(path)
    {
        ArgumentNullException.ThrowIfNull(last);
        _stem = [.. stem.Select(Add)];
        _blocks = [.. blocks.Select(Add)];
        _last = Add(last);
    }

    /// <inheritdoc/>
    public override int Width => _last.Features;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <summary>A number of channels as the authors' code rounds it: to a multiple, never below nine tenths.</summary>
    /// <param name="channels">Channels before rounding.</param>
    /// <param name="divisor">What they are a multiple of.</param>
    /// <param name="least">The fewest.</param>
    internal static int Rounded(double channels, int divisor, int least)
    {
        int rounded = Math.Max(least, (int)(channels + (divisor / 2.0)) / divisor * divisor);
        return rounded < 0.9 * channels ? rounded + divisor : rounded;
    }

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = batch.Pixels;
        foreach (ConvolutionUnit unit in _stem)
        {
            x = unit.Forward(x);
        }

        return x;
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) => _blocks[index].Forward(x);

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor x, ImageBatch batch) => _last.Forward(x);
}

/// <summary>How torchvision's weights of MobileNet-v2 are read.</summary>
public sealed class TorchvisionMobileNetV2Family : VisionFamily
{
    // Table 2: expansion, channels, blocks, stride of the first one.
    private static readonly (int Expansion, int Channels, int Blocks, int Stride)[] s_stages =
        [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

    /// <inheritdoc/>
    public override string ModelType => "torchvision-mobilenet-v2";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["conv.0.0", "conv.2"];

    /// <inheritdoc/>
    public override string Architecture => "MobileNetV2";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(root);
        double times = config.GetDouble("width_mult", 1);
        int channels = MobileNetV2Backbone.Rounded(32 * times, 8, 8);
        int last = MobileNetV2Backbone.Rounded(1280 * Math.Max(1, times), 8, 8);
        ConvolutionUnit stem = Unit(root.At("features"), "0.0", "0.1", 3, channels, kernel: 3, stride: 2);
        var blocks = new List<InvertedResidual>();
        foreach ((int expansion, int width, int count, int stride) in s_stages)
        {
            int features = MobileNetV2Backbone.Rounded(width * times, 8, 8);
            for (int i = 0; i < count; i++)
            {
                WeightScope block = root.At($"features.{blocks.Count + 1}").AtDepth(blocks.Count + 1);
                blocks.Add(Block(block, channels, features, i == 0 ? stride : 1, expansion));
                channels = features;
            }
        }

        WeightScope end = root.At($"features.{blocks.Count + 1}").AtDepth(blocks.Count + 1);
        return new MobileNetV2Backbone(root.Path, [stem], blocks, Unit(end, "0", "1", channels, last, kernel: 1));
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new PooledHead(root, "classifier.1", backbone, outputs, config.GetFloat("dropout", 0.2f), Initializer.Normal(0.01f));
    }

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(224);

    private static InvertedResidual Block(WeightScope w, int channels, int features, int stride, int expansion)
    {
        int wide = channels * expansion;
        WeightScope conv = w.At("conv");
        ConvolutionUnit[] units = expansion == 1
            ? [Unit(conv, "0.0", "0.1", wide, wide, kernel: 3, stride, groups: wide), Unit(conv, "1", "2", wide, features, kernel: 1, activates: false)]
            :
            [
                Unit(conv, "0.0", "0.1", channels, wide, kernel: 1),
                Unit(conv, "1.0", "1.1", wide, wide, kernel: 3, stride, groups: wide),
                Unit(conv, "2", "3", wide, features, kernel: 1, activates: false),
            ];
        return new InvertedResidual(w.Path, units, stride == 1 && channels == features);
    }

    private static ConvolutionUnit Unit(
        WeightScope w, string convolution, string norm, int channels, int features, int kernel, int stride = 1, int groups = 1, bool activates = true)
    {
        var start = Initializer.KaimingNormal(features / groups * kernel * kernel); // fan-out
        return new ConvolutionUnit(
            new Convolution(w.At(convolution), channels, features, kernel, stride, kernel / 2, groups, bias: false, initializer: start),
            new BatchNorm(w.At(norm), features),
            activates ? Activation.Relu6 : Activation.Identity);
    }
}

/// <summary>How Hugging Face's checkpoints of MobileNet-v2 are read.</summary>
public sealed class MobileNetV2Family : VisionFamily
{
    private static readonly int[] s_channels = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320];
    private static readonly int[] s_strides = [2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1];

    /// <inheritdoc/>
    public override string ModelType => "mobilenet_v2";

    /// <inheritdoc/>
    public override string BasePrefix => "mobilenet_v2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["expand_1x1.convolution", "reduce_1x1.convolution"];

    /// <inheritdoc/>
    public override string Architecture => "MobileNetV2ForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        var layers = new Layers(config);
        WeightScope w = root.At(BasePrefix);
        int[] channels = Array.ConvertAll(s_channels, layers.Channels);
        int first = layers.Channels(32);
        WeightScope stem = w.At("conv_stem");
        ConvolutionUnit[] units =
        [
            layers.Unit(stem.At("first_conv"), config.GetInt("num_channels", 3), first, kernel: 3, stride: 2),
            .. config.GetBool("first_layer_is_expansion", true) ? (ConvolutionUnit[])[] : [layers.Unit(stem.At("expand_1x1"), first, first, kernel: 1)],
            layers.Unit(stem.At("conv_3x3"), first, first, kernel: 3, groups: first),
            layers.Unit(stem.At("reduce_1x1"), first, channels[0], kernel: 1, activates: false),
        ];

        // Beyond the wanted reduction of the sides, strides become gaps between the pixels that filters read.
        (int reduction, int gap, int wanted) = (2, 1, config.GetInt("output_stride", 32));
        var blocks = new List<InvertedResidual>();
        for (int i = 0; i < s_strides.Length; i++)
        {
            bool keeps = reduction == wanted;
            (int stride, int dilation) = keeps ? (1, gap) : (s_strides[i], 1);
            (reduction, gap) = keeps ? (reduction, gap * s_strides[i]) : (reduction * stride, gap);
            blocks.Add(layers.Block(w.At($"layer.{i}").AtDepth(i + 1), channels[i], channels[i + 1], stride, dilation));
        }

        int last = config.GetBool("finegrained_output", true) && layers.DepthMultiplier < 1 ? 1280 : layers.Channels(1280);
        ConvolutionUnit end = layers.Unit(w.At("conv_1x1").AtDepth(blocks.Count + 1), channels[^1], last, kernel: 1);
        return new MobileNetV2Backbone(w.Path, units, blocks, end);
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new PooledHead(root, "classifier", backbone, outputs, config.GetFloat("classifier_dropout_prob", 0.8f), Layers.Start(config));
    }

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int side = config.GetInt("image_size", 224);
        return new ImageInput(side, side, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);
    }

    /// <summary>Layers by the settings of a <c>config.json</c>.</summary>
    private sealed class Layers(ModelConfig config)
    {
        private readonly int _divisor = config.GetInt("depth_divisible_by", 8);
        private readonly int _least = config.GetInt("min_depth", 8);
        private readonly double _expansion = config.GetDouble("expand_ratio", 6);
        private readonly bool _covers = config.GetBool("tf_padding", true);
        private readonly float _eps = config.GetFloat("layer_norm_eps", 0.001f);
        private readonly Activation _activation = Activations.Parse(config.GetString("hidden_act", "relu6")!);

        public double DepthMultiplier { get; } = config.GetDouble("depth_multiplier", 1);

        public static Initializer Start(ModelConfig config) => Initializer.Normal(config.GetFloat("initializer_range", 0.02f));

        public int Channels(int channels) => MobileNetV2Backbone.Rounded(Math.Round(channels * DepthMultiplier), _divisor, _least);

        public InvertedResidual Block(WeightScope w, int channels, int features, int stride, int dilation)
        {
            int wide = MobileNetV2Backbone.Rounded(Math.Round(channels * _expansion), _divisor, _least);
            ConvolutionUnit[] units =
            [
                Unit(w.At("expand_1x1"), channels, wide, kernel: 1),
                Unit(w.At("conv_3x3"), wide, wide, kernel: 3, stride, dilation, groups: wide),
                Unit(w.At("reduce_1x1"), wide, features, kernel: 1, activates: false),
            ];
            return new InvertedResidual(w.Path, units, stride == 1 && channels == features);
        }

        public ConvolutionUnit Unit(WeightScope w, int channels, int features, int kernel, int stride = 1, int dilation = 1, int groups = 1, bool activates = true)
        {
            const float Momentum = 0.997f; // the reference's: statistics are all but those of the last batch
            var axis = SlidingAxis.Padded(stride, _covers ? 0 : kernel / 2 * dilation, dilation);
            var convolution = new Convolution(w.At("convolution"), channels, features, (kernel, kernel), axis, axis, groups, bias: false, Start(config)) { CoversPictures = _covers };
            return new ConvolutionUnit(convolution, new BatchNorm(w.At("normalization"), features, _eps, Momentum), activates ? _activation : Activation.Identity);
        }
    }
}
