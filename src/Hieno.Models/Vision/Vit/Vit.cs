using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Vit;

/// <summary>ViT and DeiT: patches as words of an encoder, with a class vector, and in DeiT a distillation vector, before them.</summary>
/// <remarks>
/// Dosovitskiy et al. 2020, <see href="https://arxiv.org/abs/2010.11929"/>, section 3.1; Touvron et al. 2020, <see href="https://arxiv.org/abs/2012.12877"/>,
/// section 4.
/// </remarks>
public sealed class VitBackbone : VisionTransformer
{
    private readonly TransformerSize _size;
    private readonly Parameter[] _specials;
    private readonly Convolution _projection;
    private readonly Parameter _positions;
    private readonly PreNormBlock[] _blocks;
    private readonly LayerNorm _norm;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>vit</c> or <c>deit</c>.</summary>
    /// <param name="size">The settings.</param>
    /// <param name="w">Its place in the checkpoint.</param>
    /// <param name="distilled">True where a distillation vector follows the class vector.</param>
    public VitBackbone(TransformerSize size, WeightScope w, bool distilled)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(size);
        _size = size;
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        string[] names = distilled ? ["cls_token", "distillation_token"] : ["cls_token"];
        _specials = [.. names.Select(name => Add(tables.Weight(name, [1, 1, size.Width], size.Normal)))];
        _positions = Add(tables.Weight("position_embeddings", [1, _specials.Length + size.Patches, size.Width], size.Normal));
        _projection = Add(size.Projection(tables.At("patch_embeddings.projection")));
        _blocks = [.. Enumerable.Range(0, size.Layers).Select(i => Add(Block(size, w.At($"encoder.layer.{i}").AtDepth(i + 1), i)))];
        _norm = Add(new LayerNorm(w.At("layernorm").AtDepth(size.Layers + 1), size.Width, size.Eps));
    }

    /// <inheritdoc/>
    public override int Width => _size.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override int Specials => _specials.Length;

    /// <inheritdoc/>
    public override int NumbersOfPatch => _size.NumbersOfPatch;

    /// <inheritdoc/>
    protected override Tensor Embed(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Ops.Dropout(Arrange(_projection.Forward(batch.Pixels), _positions, _size.Grid, _specials), _size.HiddenDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return _blocks[index].Forward(x, rows, rows.BidirectionalSpans());
    }

    /// <inheritdoc/>
    protected override Tensor Complete(Tensor x, ImageBatch batch) => _norm.Forward(x);

    private static PreNormBlock Block(TransformerSize size, WeightScope w, int index)
    {
        int width = size.Width;
        WeightScope attention = w.At("attention").As(ParameterKind.Attention);
        WeightScope mlp = w.As(ParameterKind.FeedForward);
        return new PreNormBlock(
            w,
            width,
            new LayerNorm(w.At("layernorm_before"), width, size.Eps),
            new SelfAttention(
                attention.At("attention"),
                index,
                size.Attention,
                new Linear(attention.At("attention.query"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("attention.key"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("attention.value"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("output.dense"), width, width, size.Normal)),
            new LayerNorm(w.At("layernorm_after"), width, size.Eps),
            new Mlp(
                w.Path,
                new Linear(mlp.At("intermediate.dense"), width, size.Hidden, size.Normal),
                new Linear(mlp.At("output.dense"), size.Hidden, width, size.Normal),
                size.Activation),
            new ResidualOptions { Dropout = size.HiddenDropout });
    }
}

/// <summary>The output layer of a distilled DeiT: the mean of a layer that reads the class vector and one that reads the distillation vector.</summary>
/// <remarks>Touvron et al. 2020, <see href="https://arxiv.org/abs/2012.12877"/>, section 4, "Joint classifiers".</remarks>
public sealed class DistilledHead : VisionHead
{
    private readonly Linear _class;
    private readonly Linear _distillation;

    /// <summary>Takes <c>cls_classifier</c> and <c>distillation_classifier</c> from <paramref name="root"/>.</summary>
    /// <param name="root">The root of the checkpoint.</param>
    /// <param name="backbone">The body.</param>
    /// <param name="outputs">Numbers for each picture.</param>
    /// <param name="initializer">First values of new layers.</param>
    public DistilledHead(WeightScope root, VisionBackbone backbone, int outputs, Initializer initializer)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(backbone);
        WeightScope head = root.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        _class = Add(new Linear(head.At("cls_classifier"), backbone.Width, outputs, initializer));
        _distillation = Add(new Linear(head.At("distillation_classifier"), backbone.Width, outputs, initializer));
    }

    /// <inheritdoc/>
    public override int Outputs => _class.Out;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch)
    {
        Tensor byClass = _class.Forward(VisionTransformer.VectorsAt(features, batch, 0));
        Tensor byDistillation = _distillation.Forward(VisionTransformer.VectorsAt(features, batch, 1));
        return Ops.Scale(Ops.Add(byClass, byDistillation), 0.5f);
    }
}

/// <summary>How ViT checkpoints are read.</summary>
public sealed class VitFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "vit";

    /// <inheritdoc/>
    public override string BasePrefix => "vit";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture => "ViTForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new VitBackbone(new TransformerSize(config), root.At(BasePrefix), distilled: false);
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new FirstVectorHead(root, backbone, outputs, new TransformerSize(config).Normal);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => new TransformerSize(config).Input([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);

    /// <inheritdoc/>
    public override bool IsForeign(string name) => base.IsForeign(name) || name.Contains("pooler.dense.", StringComparison.Ordinal) || name.StartsWith("classifier.", StringComparison.Ordinal)
        || name.Contains("embeddings.mask_token", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal);
}

/// <summary>How DeiT checkpoints are read, with one output layer or with two.</summary>
public sealed class DeitFamily : VisionFamily
{
    private const string Distilled = "DeiTForImageClassificationWithTeacher";

    /// <inheritdoc/>
    public override string ModelType => "deit";

    /// <inheritdoc/>
    public override string BasePrefix => "deit";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture => "DeiTForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new VitBackbone(new TransformerSize(config), root.At(BasePrefix), distilled: true);
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(config);
        Initializer initializer = new TransformerSize(config).Normal;
        return config.GetStrings("architectures") is [Distilled, ..]
            ? new DistilledHead(root, backbone, outputs, initializer)
            : new FirstVectorHead(root, backbone, outputs, initializer);
    }

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => new TransformerSize(config).Input(ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);

    /// <inheritdoc/>
    public override bool IsForeign(string name) => base.IsForeign(name) || name.Contains("pooler.dense.", StringComparison.Ordinal) || name.Contains("classifier.", StringComparison.Ordinal)
        || name.Contains("embeddings.mask_token", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal);
}
