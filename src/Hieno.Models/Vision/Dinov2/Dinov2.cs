using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Dinov2;

/// <summary>DINOv2: a vision transformer whose blocks scale what they add, pretrained without labels.</summary>
/// <remarks>Oquab et al. 2023, <see href="https://arxiv.org/abs/2304.07193"/>.</remarks>
public sealed class Dinov2Backbone : VisionTransformer
{
    private readonly TransformerSize _size;
    private readonly Parameter _class;
    private readonly Convolution _projection;
    private readonly Parameter _positions;
    private readonly PreNormBlock[] _blocks;
    private readonly LayerNorm _norm;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>dinov2</c>.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="w">Its place in the checkpoint.</param>
    /// <exception cref="CheckpointException">The configuration asks for gated feed-forward layers, which are not supported.</exception>
    public Dinov2Backbone(ModelConfig config, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _size = SizeOf(config);
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        _class = Add(tables.Weight("cls_token", [1, 1, _size.Width], _size.Normal));
        Add(tables.Weight("mask_token", [1, _size.Width], Initializer.Zeros)); // stands for patches that pretraining hides
        _positions = Add(tables.Weight("position_embeddings", [1, 1 + _size.Patches, _size.Width], _size.Normal));
        _projection = Add(_size.Projection(tables.At("patch_embeddings.projection")));
        Initializer scale = Initializer.Constant(config.GetFloat("layerscale_value", 1f));
        _blocks = [.. Enumerable.Range(0, _size.Layers).Select(i => Add(Block(_size, scale, w.At($"encoder.layer.{i}").AtDepth(i + 1), i)))];
        _norm = Add(new LayerNorm(w.At("layernorm").AtDepth(_size.Layers + 1), _size.Width, _size.Eps));
    }

    /// <inheritdoc/>
    public override int Width => _size.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override int Specials => 1;

    /// <inheritdoc/>
    public override int NumbersOfPatch => _size.NumbersOfPatch;

    /// <summary>The settings, with the width of the feed-forward layers that <c>mlp_ratio</c> gives.</summary>
    internal static TransformerSize SizeOf(ModelConfig config)
    {
        if (config.GetBool("use_swiglu_ffn", false))
        {
            throw config.Error("use_swiglu_ffn", "is true: the feed-forward layers are gated, as in DINOv2's giant model, which is not supported", "Take a smaller DINOv2");
        }

        var size = new TransformerSize(config, eps: 1e-6f);
        return size with { Hidden = (int)(size.Width * config.GetDouble("mlp_ratio", 4)) };
    }

    /// <inheritdoc/>
    protected override Tensor Embed(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Ops.Dropout(Arrange(_projection.Forward(batch.Pixels), _positions, _size.Grid, _class), _size.HiddenDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return _blocks[index].Forward(x, rows, rows.BidirectionalSpans());
    }

    /// <inheritdoc/>
    protected override Tensor Complete(Tensor x, ImageBatch batch) => _norm.Forward(x);

    private static PreNormBlock Block(TransformerSize size, Initializer scale, WeightScope w, int index)
    {
        int width = size.Width;
        WeightScope attention = w.At("attention").As(ParameterKind.Attention);
        WeightScope mlp = w.At("mlp").As(ParameterKind.FeedForward);
        return new PreNormBlock(
            w,
            width,
            new LayerNorm(w.At("norm1"), width, size.Eps),
            new SelfAttention(
                attention.At("attention"),
                index,
                size.Attention,
                new Linear(attention.At("attention.query"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("attention.key"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("attention.value"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("output.dense"), width, width, size.Normal)),
            new LayerNorm(w.At("norm2"), width, size.Eps),
            new Mlp(mlp.Path, new Linear(mlp.At("fc1"), width, size.Hidden, size.Normal), new Linear(mlp.At("fc2"), size.Hidden, width, size.Normal), size.Activation),
            new ResidualOptions
            {
                DropPath = size.DropPathOf(index),
                AttentionScale = w.At("layer_scale1").Weight("lambda1", [width], scale),
                MlpScale = w.At("layer_scale2").Weight("lambda1", [width], scale),
            });
    }
}

/// <summary>The output layer of DINOv2: a linear layer that reads the class vector and the mean of the patches beside it.</summary>
public sealed class Dinov2Head : VisionHead
{
    private readonly Linear _classifier;
    private readonly int _specials;

    /// <summary>Takes the layer <c>classifier</c> from <paramref name="root"/>.</summary>
    /// <param name="root">The root of the checkpoint.</param>
    /// <param name="backbone">The body.</param>
    /// <param name="outputs">Numbers for each picture.</param>
    /// <param name="initializer">First values of a new layer.</param>
    public Dinov2Head(WeightScope root, VisionTransformer backbone, int outputs, Initializer initializer)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(backbone);
        _specials = backbone.Specials;
        WeightScope head = root.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        _classifier = Add(new Linear(head.At("classifier"), 2 * backbone.Width, outputs, initializer));
    }

    /// <inheritdoc/>
    public override int Outputs => _classifier.Out;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch)
    {
        Tensor both = Ops.ConcatenateColumns(VisionTransformer.VectorsAt(features, batch, 0), VisionTransformer.PatchMeans(features, batch, _specials));
        return _classifier.Forward(both); // [N, 2 · C] → [N, outputs]
    }
}

/// <summary>How DINOv2 checkpoints are read.</summary>
public sealed class Dinov2Family : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "dinov2";

    /// <inheritdoc/>
    public override string BasePrefix => "dinov2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture => "Dinov2ForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new Dinov2Backbone(config, root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new Dinov2Head(root, (VisionTransformer)backbone, outputs, Dinov2Backbone.SizeOf(config).Normal);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => Dinov2Backbone.SizeOf(config).Input(ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);

    /// <inheritdoc/>
    public override bool IsForeign(string name) => base.IsForeign(name) || name.StartsWith("classifier.", StringComparison.Ordinal);
}
