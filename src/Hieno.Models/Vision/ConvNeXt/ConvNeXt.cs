using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.ConvNeXt;

/// <summary>The settings of a ConvNeXt model, under the names of its <c>config.json</c>.</summary>
public sealed record ConvNeXtConfig
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="CheckpointException">A value cannot be used.</exception>
    public ConvNeXtConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Depths = config.GetInts("depths") ?? [3, 3, 9, 3];
        Widths = config.GetInts("hidden_sizes") ?? [96, 192, 384, 768];
        Channels = config.GetInt("num_channels", 3);
        PatchSize = config.GetInt("patch_size", 4);
        ImageSize = config.GetInt("image_size", 224);
        Activation = Activations.Parse(config.GetString("hidden_act", "gelu")!);
        Eps = config.GetFloat("layer_norm_eps", 1e-12f);
        Start = Initializer.Normal(config.GetFloat("initializer_range", 0.02f));
        LayerScale = config.GetFloat("layer_scale_init_value", 1e-6f);
        DropPath = config.GetFloat("drop_path_rate", 0f);
        if (Depths.Count != Widths.Count)
        {
            throw config.Error("depths", $"has {Depths.Count} stages, but 'hidden_sizes' has {Widths.Count}", "Use the configuration that came with the weights");
        }
    }

    /// <summary><c>depths</c>: blocks of each stage.</summary>
    public IReadOnlyList<int> Depths { get; }

    /// <summary><c>hidden_sizes</c>: channels of each stage.</summary>
    public IReadOnlyList<int> Widths { get; }

    /// <summary><c>num_channels</c>.</summary>
    public int Channels { get; }

    /// <summary><c>patch_size</c>.</summary>
    public int PatchSize { get; }

    /// <summary><c>image_size</c>.</summary>
    public int ImageSize { get; }

    /// <summary><c>hidden_act</c>.</summary>
    public Activation Activation { get; }

    /// <summary><c>layer_norm_eps</c> of the last normalisation.</summary>
    public float Eps { get; }

    /// <summary>First values of weights: N(0, <c>initializer_range</c>²).</summary>
    public Initializer Start { get; }

    /// <summary><c>layer_scale_init_value</c>; where it is 0 blocks do not scale what they add.</summary>
    public float LayerScale { get; }

    /// <summary><c>drop_path_rate</c> of the last block; it rises evenly from 0 at the first.</summary>
    public float DropPath { get; }
}

/// <summary>ConvNeXt: patches, then stages of blocks that look at each channel by itself and mix channels pixel by pixel.</summary>
/// <remarks>Liu et al. 2022, <see href="https://arxiv.org/abs/2201.03545"/>, section 2 and figure 4.</remarks>
public sealed class ConvNeXtBackbone : VisionBackbone
{
    private readonly Convolution _patches;
    private readonly LayerNorm _patchNorm;
    private readonly ConvNeXtBlock[] _blocks;
    private readonly LayerNorm _norm;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>convnext</c>.</summary>
    public ConvNeXtBackbone(ConvNeXtConfig config, WeightScope w)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        WeightScope embeddings = w.At("embeddings").As(ParameterKind.Embedding);
        _patches = Add(new Convolution(embeddings.At("patch_embeddings"), config.Channels, config.Widths[0], config.PatchSize, config.PatchSize, initializer: config.Start));
        _patchNorm = Add(new LayerNorm(w.At("embeddings.layernorm"), config.Widths[0], ConvNeXtBlock.Eps));
        var blocks = new List<ConvNeXtBlock>();
        int count = config.Depths.Sum();
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            WeightScope place = w.At($"encoder.stages.{stage}");
            for (int layer = 0; layer < config.Depths[stage]; layer++)
            {
                float drop = count > 1 ? config.DropPath * blocks.Count / (count - 1) : 0f;
                int? narrower = stage > 0 && layer == 0 ? config.Widths[stage - 1] : null;
                blocks.Add(Add(new ConvNeXtBlock(config, place.AtDepth(blocks.Count + 1), layer, config.Widths[stage], narrower, drop)));
            }
        }

        _blocks = [.. blocks];
        _norm = Add(new LayerNorm(w.At("layernorm").AtDepth(count + 1), config.Widths[^1], config.Eps));
        Width = config.Widths[^1];
    }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return _patchNorm.Forward(_patches.Forward(batch.Pixels));
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) => _blocks[index].Forward(x);

    /// <summary>The last normalisation is over the means of the pixels: [N, 1, 1, <see cref="Width"/>].</summary>
    protected override Tensor Finish(Tensor x, ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Ops.Reshape(_norm.Forward(PooledHead.Means(x)), [x.Shape[0], 1, 1, Width]);
    }
}

/// <summary>A wide filter for each channel, then a layer-normalised two-layer network for each pixel; the first block of a later stage halves the sides first.</summary>
public sealed class ConvNeXtBlock : Module
{
    internal const float Eps = 1e-6f; // of every normalisation but the last

    private readonly LayerNorm? _downNorm;
    private readonly Convolution? _down;
    private readonly Convolution _filter;
    private readonly LayerNorm _norm;
    private readonly Linear _up;
    private readonly Linear _back;
    private readonly Parameter? _scale;
    private readonly Activation _activation;
    private readonly float _dropPath;

    /// <summary>Builds the block.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="stage">The stage's place, e.g. <c>convnext.encoder.stages.2</c>.</param>
    /// <param name="layer">The block's number in its stage.</param>
    /// <param name="width">Channels.</param>
    /// <param name="narrower">Channels of the stage before, for the first block of a later stage; else null.</param>
    /// <param name="dropPath">How often the block is left out for a picture in training.</param>
    public ConvNeXtBlock(ConvNeXtConfig config, WeightScope stage, int layer, int width, int? narrower, float dropPath)
        : base($"{stage.Path}.layers.{layer}")
    {
        ArgumentNullException.ThrowIfNull(config);
        (_activation, _dropPath) = (config.Activation, dropPath);
        if (narrower is { } before)
        {
            _downNorm = Add(new LayerNorm(stage.At("downsampling_layer.0"), before, Eps));
            _down = Add(new Convolution(stage.At("downsampling_layer.1"), before, width, kernel: 2, stride: 2, initializer: config.Start));
        }

        WeightScope w = stage.At($"layers.{layer}");
        WeightScope mlp = w.As(ParameterKind.FeedForward);
        _filter = Add(new Convolution(w.At("dwconv"), width, width, kernel: 7, padding: 3, groups: width, initializer: config.Start));
        _norm = Add(new LayerNorm(w.At("layernorm"), width, Eps));
        _up = Add(new Linear(mlp.At("pwconv1"), width, 4 * width, config.Start));
        _back = Add(new Linear(mlp.At("pwconv2"), 4 * width, width, config.Start));
        _scale = config.LayerScale > 0 ? Add(w.Weight("layer_scale_parameter", [width], Initializer.Constant(config.LayerScale))) : null;
    }

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, H, W, width], or twice as many rows and columns of the narrower stage before.</param>
    /// <returns>[N, H, W, width].</returns>
    public Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        x = _down is null ? x : _down.Forward(_downNorm!.Forward(x));
        Tensor change = _back.Forward(Ops.Activate(_up.Forward(_norm.Forward(_filter.Forward(x))), _activation));
        change = _scale is null ? change : Ops.ScaleColumns(change, _scale);
        return Ops.Add(x, Ops.DropRows(change, [.. Enumerable.Repeat(x.Shape[1] * x.Shape[2], x.Shape[0])], _dropPath));
    }
}

/// <summary>How ConvNeXt checkpoints are read.</summary>
public sealed class ConvNeXtFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "convnext";

    /// <inheritdoc/>
    public override string BasePrefix => "convnext";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["pwconv1", "pwconv2"];

    /// <inheritdoc/>
    public override string Architecture => "ConvNextForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new ConvNeXtBackbone(new ConvNeXtConfig(config), root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new PooledHead(root, "classifier", backbone, outputs, initializer: new ConvNeXtConfig(config).Start);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => ImageInput.ImageNet(new ConvNeXtConfig(config).ImageSize);
}
