using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Inception;

/// <summary>Inception-v3: two stems of convolutions, then blocks whose branches look at pixels from near and far.</summary>
/// <remarks>Szegedy et al. 2015, <see href="https://arxiv.org/abs/1512.00567"/>, table 1; in torchvision's form.</remarks>
public sealed class InceptionV3Backbone : VisionBackbone
{
    private const int BlockOfAuxiliary = 9; // Mixed_7a, which reads what the auxiliary output reads

    private readonly ConvolutionUnit[] _stem;
    private readonly Module[] _blocks;
    private readonly bool _hasAuxiliary;
    private readonly Func<Tensor, Tensor>? _prepare;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, which have no prefix.</summary>
    /// <param name="w">The root of the checkpoint.</param>
    /// <param name="form">Torchvision's network, or the one that Frechet distances are measured with.</param>
    /// <param name="hasAuxiliary">Whether an auxiliary output reads <see cref="Between"/>.</param>
    /// <param name="prepare">What is done to pixels first, or null.</param>
    public InceptionV3Backbone(WeightScope w, InceptionV3Form form, bool hasAuxiliary, Func<Tensor, Tensor>? prepare = null)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(w);
        (_hasAuxiliary, _prepare) = (hasAuxiliary, prepare);
        _stem = Chain(w, 3, new("Conv2d_1a_3x3", 32, 3, 3, 2, false), new("Conv2d_2a_3x3", 32, 3, 3, 1, false), new("Conv2d_2b_3x3", 64, 3, 3));
        var second = new InceptionStem(Chain(w.AtDepth(1), 64, new("Conv2d_3b_1x1", 80), new("Conv2d_4a_3x3", 192, 3, 3, 1, false)));
        var blocks = new List<Module> { second };
        int channels = 192;
        foreach ((string name, IReadOnlyList<InceptionBranch> branches) in InceptionV3Plan.Blocks(form))
        {
            var block = new InceptionBlock(w.At(name).AtDepth(blocks.Count + 1), channels, branches);
            blocks.Add(block);
            channels = block.Features;
        }

        foreach (Module module in (IEnumerable<Module>)[.. _stem, .. blocks])
        {
            Add(module);
        }

        (_blocks, Width) = ([.. blocks], channels);
    }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <summary>The second stem, which ends in 192 channels, and eleven blocks.</summary>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <summary>In a pass of training what an auxiliary output reads, [N, H, W, 768]: means over 5 × 5 pixels of what Mixed_6e gave; else null.</summary>
    public Tensor? Between { get; private set; }

    /// <summary>How deep the auxiliary output lies.</summary>
    public static int AuxiliaryDepth => BlockOfAuxiliary;

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = _prepare is null ? batch.Pixels : _prepare(batch.Pixels);
        return InceptionBlock.Pooled(InceptionStem.Run(_stem, x), InceptionPool.MaximumHalving);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) =>
        _blocks[index] is InceptionBlock block ? block.Forward(x) : ((InceptionStem)_blocks[index]).Forward(x);

    private protected override Tensor RunAll(Tensor x, ImageBatch batch)
    {
        x = RunBlocks(x, 0, BlockOfAuxiliary, batch);
        Between = _hasAuxiliary && Tape.Current is { IsTraining: true } ? Means(x) : null;
        return RunBlocks(x, BlockOfAuxiliary, Blocks.Count, batch);
    }

    private static Tensor Means(Tensor x)
    {
        const int Window = 5;
        const int Least = 17; // so that a filter of 5 × 5 pixels fits what is left
        ShapeException.ThrowUnless(
            x.Shape[1] >= Least && x.Shape[2] >= Least,
            $"pictures come to the auxiliary output with {x.Shape[1]} × {x.Shape[2]} pixels, and it needs {Least} × {Least}. Give pictures of at least 299 × 299 pixels, or say \"aux_logits\": false in config.json.",
            "Inception-v3");
        var every = new SlidingAxis(Stride: 3);
        return Ops.AveragePool(x, PoolSide.Sliding(x.Shape[1], Window, every), PoolSide.Sliding(x.Shape[2], Window, every));
    }

    private static ConvolutionUnit[] Chain(WeightScope w, int channels, params InceptionFilter[] filters)
    {
        var units = new ConvolutionUnit[filters.Length];
        for (int i = 0; i < units.Length; i++)
        {
            units[i] = filters[i].Create(w, channels);
            channels = filters[i].Features;
        }

        return units;
    }
}

/// <summary>Convolutions one after the other and a maximum that halves the sides.</summary>
public sealed class InceptionStem : Module
{
    private readonly ConvolutionUnit[] _units;

    internal InceptionStem(ConvolutionUnit[] units)
        : base(string.Empty)
    {
        _units = units;
        foreach (ConvolutionUnit unit in units)
        {
            Add(unit);
        }
    }

    /// <summary>Runs them.</summary>
    public Tensor Forward(Tensor x) => InceptionBlock.Pooled(Run(_units, x), InceptionPool.MaximumHalving);

    internal static Tensor Run(ConvolutionUnit[] units, Tensor x)
    {
        foreach (ConvolutionUnit unit in units)
        {
            x = unit.Forward(x);
        }

        return x;
    }
}

/// <summary>An output beside the head, which in training gives lower layers a loss of their own.</summary>
/// <remarks>Szegedy et al. 2015, section 4.</remarks>
public sealed class InceptionAuxiliary : Module
{
    private readonly ConvolutionUnit _narrow;
    private readonly ConvolutionUnit _wide;
    private readonly Linear _linear;

    internal InceptionAuxiliary(WeightScope w, int outputs)
        : base(w.Path)
    {
        const int Features = 768;
        _narrow = Add(new InceptionFilter("conv0", 128).Create(w, Features));
        _wide = Add(new InceptionFilter("conv1", Features, 5, 5, 1, false).Create(w, 128, deviation: 0.01f));
        _linear = Add(new Linear(w.At("fc").As(ParameterKind.Head), Features, outputs, Initializer.Normal(0.001f)));
    }

    /// <summary>Computes the output.</summary>
    /// <param name="x">[N, H, W, 768], at least 5 × 5 pixels.</param>
    /// <returns>[N, outputs].</returns>
    public Tensor Forward(Tensor x) => _linear.Forward(PooledHead.Means(_wide.Forward(_narrow.Forward(x))));
}

/// <summary>The output layer of Inception-v3, and the auxiliary output where there is one.</summary>
public sealed class InceptionV3Head : VisionHead
{
    private readonly PooledHead _head;
    private readonly InceptionV3Backbone _backbone;
    private readonly InceptionAuxiliary? _auxiliary;
    private Tensor? _numbers;

    internal InceptionV3Head(WeightScope root, InceptionV3Backbone backbone, int outputs, float dropout, bool hasAuxiliary)
        : base(string.Empty)
    {
        _backbone = backbone;
        _auxiliary = hasAuxiliary ? Add(new InceptionAuxiliary(root.At("AuxLogits").AtDepth(InceptionV3Backbone.AuxiliaryDepth), outputs)) : null;
        _head = Add(new PooledHead(root, "fc", backbone, outputs, dropout, Initializer.Normal(0.1f))); // last: its linear layer is the output layer
    }

    /// <inheritdoc/>
    public override int Outputs => _head.Outputs;

    /// <inheritdoc/>
    public override Tensor? Auxiliary => _numbers;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch)
    {
        _numbers = _backbone.Between is { } between ? _auxiliary?.Forward(between) : null;
        return _head.Forward(features, batch);
    }
}

/// <summary>How torchvision's weights of Inception-v3 are read.</summary>
public sealed class TorchvisionInceptionV3Family : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "torchvision-inception-v3";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["conv"];

    /// <inheritdoc/>
    public override string Architecture => "Inception3";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new InceptionV3Backbone(root, InceptionV3Form.Torchvision, config.GetBool("aux_logits", true), config.GetBool("transform_input", true) ? Rescale : null);
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new InceptionV3Head(root, (InceptionV3Backbone)backbone, outputs, config.GetFloat("dropout", 0.5f), config.GetBool("aux_logits", true));
    }

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(299);

    // The published weights were trained on pixels from −1 to 1; torchvision undoes the scaling by ImageNet's statistics first.
    private static Tensor Rescale(Tensor pixels)
    {
        float[] scale = [.. ImageInput.ImageNetDeviation.Select(deviation => deviation / 0.5f)];
        float[] shift = [.. ImageInput.ImageNetMean.Select(mean => (mean - 0.5f) / 0.5f)];
        return Ops.BatchNormFixed(
            pixels, Tensor.FromValues([3], scale), Tensor.FromValues([3], shift), Tensor.FromValues([3], new float[3]), Tensor.FromValues([3], [1f, 1f, 1f]), eps: 0f);
    }
}

/// <summary>How the weights are read with which Frechet inception distances are measured (pytorch-fid): features of 2048 numbers, 1008 classes.</summary>
/// <remarks>Pixels from 0 to 1, of any size; the network makes them 299 × 299 itself.</remarks>
public sealed class FidInceptionV3Family : VisionFamily
{
    private const int Side = 299;

    /// <inheritdoc/>
    public override string ModelType => "fid-inception-v3";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["conv"];

    /// <inheritdoc/>
    public override string Architecture => "FIDInceptionV3";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) =>
        new InceptionV3Backbone(root, InceptionV3Form.Fid, hasAuxiliary: false, Enlarge);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) => new PooledHead(root, "fc", backbone, outputs);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => new(Side, Side, [0f, 0f, 0f], [1f, 1f, 1f]);

    private static Tensor Enlarge(Tensor pixels)
    {
        Tensor x = Ops.Interpolate(pixels, ResampleSide.Linear(pixels.Shape[1], Side), ResampleSide.Linear(pixels.Shape[2], Side));
        Tensor twice = Tensor.FromValues([3], [2f, 2f, 2f]);
        return Ops.BatchNormFixed(x, twice, Tensor.FromValues([3], [-1f, -1f, -1f]), Tensor.FromValues([3], new float[3]), Tensor.FromValues([3], [1f, 1f, 1f]), eps: 0f);
    }
}
