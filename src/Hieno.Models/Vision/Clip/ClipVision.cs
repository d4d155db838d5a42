using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Clip;

/// <summary>CLIP's vision tower: a vision transformer whose class vector, projected and divided by its length, stands for the picture.</summary>
/// <remarks>Radford et al. 2021, <see href="https://arxiv.org/abs/2103.00020"/>, section 2.4.</remarks>
public sealed class ClipVisionBackbone : VisionTransformer
{
    private readonly Parameter _class;
    private readonly Convolution _projection;
    private readonly Parameter _positions;
    private readonly LayerNorm _normBefore;
    private readonly PreNormBlock[] _blocks;
    private readonly LayerNorm _normAfter;
    private readonly Linear _toShared;
    private readonly UnitLength _unit;
    private readonly (int Height, int Width) _grid;

    /// <summary>Builds the tower from <c>vision_model</c> and <c>visual_projection</c> under <paramref name="root"/>.</summary>
    public ClipVisionBackbone(ClipConfig config, WeightScope root)
        : base((root ?? throw new ArgumentNullException(nameof(root))).At("vision_model").Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        TransformerSize size = config.Vision;
        _grid = size.Grid;
        WeightScope w = root.At("vision_model");
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        _class = Add(tables.Weight("class_embedding", [size.Width], Initializer.Normal(MathF.Pow(size.Width, -0.5f))));
        _projection = Add(size.Projection(tables.At("patch_embedding"), bias: false));
        _positions = Add(tables.Weight("position_embedding.weight", [1 + size.Patches, size.Width], ClipConfig.TableStart));
        _normBefore = Add(new LayerNorm(w.At("pre_layrnorm"), size.Width, size.Eps)); // so the checkpoints call it
        _blocks = [.. Enumerable.Range(0, size.Layers).Select(i => Add(ClipBlock.Create(
            w.At($"encoder.layers.{i}").AtDepth(i + 1), i, size.Layers, size.Width, size.Hidden, size.Attention, size.Activation, size.Eps)))];
        WeightScope end = root.AtDepth(size.Layers + 1);
        _normAfter = Add(new LayerNorm(end.At("vision_model.post_layernorm"), size.Width, size.Eps));
        _toShared = Add(new Linear(end.At("visual_projection"), size.Width, config.ProjectionWidth, Initializer.Normal(MathF.Pow(size.Width, -0.5f)), bias: false));
        _unit = new UnitLength(config.ProjectionWidth, _toShared.Weight.Base.Backend);
    }

    /// <summary>Width of the vectors in which pictures and texts meet.</summary>
    public override int Width => _toShared.Out;

    /// <inheritdoc/>
    public override int VectorWidth => _toShared.In;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override int Specials => 1;

    /// <inheritdoc/>
    public override int NumbersOfPatch => _projection.Channels * _projection.Kernel.Height * _projection.Kernel.Width;

    /// <inheritdoc/>
    protected override Tensor Embed(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return _normBefore.Forward(Arrange(_projection.Forward(batch.Pixels), _positions, _grid, _class));
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return _blocks[index].Forward(x, rows, rows.BidirectionalSpans());
    }

    /// <inheritdoc/>
    protected override Tensor Complete(Tensor x, ImageBatch batch) => _unit.Forward(_toShared.Forward(_normAfter.Forward(VectorsAt(x, batch, 0)))); // [N · T, C] → [N, Width]
}

/// <summary>How CLIP checkpoints are read as classifiers of pictures: the vision tower, from a folder of the whole model or of the tower alone.</summary>
/// <param name="modelType">The name in <c>config.json</c>: <c>clip</c> or <c>clip_vision_model</c>.</param>
public sealed class ClipVisionFamily(string modelType) : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType { get; } = modelType;

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["q_proj", "v_proj"];

    /// <summary>The class that opens the vision tower; the output layer is read by it as an unknown tensor.</summary>
    public override string Architecture => "CLIPVisionModelWithProjection";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) => new ClipVisionBackbone(new ClipConfig(config), root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return new FirstVectorHead(root, backbone, outputs, Initializer.KaimingUniform(backbone.Width));
    }

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => new ClipConfig(config).Input;

    /// <inheritdoc/>
    public override bool IsForeign(string name) => base.IsForeign(name) || name.StartsWith("text_", StringComparison.Ordinal) || name == "logit_scale"
        || name.EndsWith("position_ids", StringComparison.Ordinal) || name.StartsWith("classifier.", StringComparison.Ordinal);
}
