using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Beit;

/// <summary>BEiT: a vision transformer whose attention knows the distance between patches, and whose blocks scale what they add.</summary>
/// <remarks>Bao et al. 2021, <see href="https://arxiv.org/abs/2106.08254"/>.</remarks>
public sealed class BeitBackbone : VisionTransformer
{
    private readonly TransformerSize _size;
    private readonly Parameter _class;
    private readonly Convolution _projection;
    private readonly Parameter? _positions;
    private readonly RelativePositions?[] _distances;
    private readonly PreNormBlock[] _blocks;
    private readonly LayerNorm _norm;
    private readonly bool _poolsPatches;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>beit</c>.</summary>
    public BeitBackbone(ModelConfig config, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _size = new TransformerSize(config);
        int width = _size.Width;
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        _class = Add(tables.Weight("cls_token", [1, 1, width], _size.Normal));
        if (config.GetBool("use_mask_token", false))
        {
            Add(tables.Weight("mask_token", [1, 1, width], Initializer.Zeros)); // stands for patches that pretraining hides
        }

        _positions = config.GetBool("use_absolute_position_embeddings", false) ? Add(tables.Weight("position_embeddings", [1, 1 + _size.Patches, width], _size.Normal)) : null;
        _projection = Add(_size.Projection(tables.At("patch_embeddings.projection")));

        float scale = config.GetFloat("layer_scale_init_value", 0.1f);
        RelativePositions? shared = config.GetBool("use_shared_relative_position_bias", false) ? Add(DistancesOf(w.At("encoder.relative_position_bias"))) : null;
        bool own = config.GetBool("use_relative_position_bias", false);
        _distances = new RelativePositions?[_size.Layers];
        _blocks = new PreNormBlock[_size.Layers];
        for (int i = 0; i < _blocks.Length; i++)
        {
            WeightScope block = w.At($"encoder.layer.{i}").AtDepth(i + 1);
            _blocks[i] = Add(Block(_size, scale, block, i));
            _distances[i] = own ? Add(DistancesOf(block.At("attention.attention.relative_position_bias"))) : shared;
        }

        _poolsPatches = config.GetBool("use_mean_pooling", true);
        _norm = Add(new LayerNorm(w.At(_poolsPatches ? "pooler.layernorm" : "layernorm").AtDepth(_size.Layers + 1), width, _size.Eps));
    }

    /// <inheritdoc/>
    public override int Width => _size.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override int Specials => 1;

    /// <inheritdoc/>
    public override int NumbersOfPatch => _size.NumbersOfPatch;

    /// <summary>False where distances between patches are known: a prompt has no place among them.</summary>
    public override bool TakesPrompts => Array.TrueForAll(_distances, distances => distances is null);

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
        PreNormBlock block = _blocks[index];
        if (_distances[index] is not { } distances)
        {
            return block.Forward(x, rows, rows.BidirectionalSpans());
        }

        int length = rows.Lengths[0];
        ShapeException.ThrowUnless(
            length == 1 + _size.Patches,
            $"a picture of {length - 1} patches was given, but distances between {_size.Patches} are known. Give pictures of the size in config.json.",
            nameof(BeitBackbone));
        Tensor bias = distances.Forward(_size.Grid);
        return block.Forward(x, rows, h => block.Attention.Forward(h, bias, new WindowSpans(length)));
    }

    /// <inheritdoc/>
    protected override Tensor Complete(Tensor x, ImageBatch batch) => _norm.Forward(_poolsPatches ? PatchMeans(x, batch, Specials) : VectorsAt(x, batch, 0)); // [N · T, C] → [N, C]

    private RelativePositions DistancesOf(WeightScope w) => new(w.As(ParameterKind.Attention), _size.Grid, _size.Heads, hasClass: true);

    private static PreNormBlock Block(TransformerSize size, float scale, WeightScope w, int index)
    {
        int width = size.Width;
        WeightScope attention = w.At("attention").As(ParameterKind.Attention);
        WeightScope mlp = w.As(ParameterKind.FeedForward);
        Parameter? Scale(string name) => scale > 0f ? w.Weight(name, [width], Initializer.Constant(scale)) : null;
        return new PreNormBlock(
            w,
            width,
            new LayerNorm(w.At("layernorm_before"), width, size.Eps),
            new SelfAttention(
                attention.At("attention"),
                index,
                size.Attention,
                new Linear(attention.At("attention.query"), width, width, size.Normal),
                new Linear(attention.At("attention.key"), width, width, size.Normal, bias: false),
                new Linear(attention.At("attention.value"), width, width, size.Normal),
                new Linear(attention.At("output.dense"), width, width, size.Normal)),
            new LayerNorm(w.At("layernorm_after"), width, size.Eps),
            new Mlp(w.Path, new Linear(mlp.At("intermediate.dense"), width, size.Hidden, size.Normal), new Linear(mlp.At("output.dense"), size.Hidden, width, size.Normal), size.Activation),
            new ResidualOptions { Dropout = size.HiddenDropout, DropPath = size.DropPathOf(index), AttentionScale = Scale("lambda_1"), MlpScale = Scale("lambda_2") });
    }
}

/// <summary>How BEiT checkpoints are read.</summary>
public sealed class BeitFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "beit";

    /// <inheritdoc/>
    public override string BasePrefix => "beit";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture => "BeitForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new BeitBackbone(config, root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new FirstVectorHead(root, backbone, outputs, new TransformerSize(config).Normal);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => new TransformerSize(config).Input([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);

    /// <inheritdoc/>
    public override bool IsForeign(string name) => base.IsForeign(name) || name.EndsWith("relative_position_index", StringComparison.Ordinal)
        || name.StartsWith("classifier.", StringComparison.Ordinal) || name.StartsWith("lm_head.", StringComparison.Ordinal);
}
