using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Swin;

/// <summary>The settings of a Swin transformer, under the names of its <c>config.json</c>.</summary>
public sealed record SwinConfig
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="CheckpointException">Stages differ in number between keys.</exception>
    public SwinConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        FirstWidth = config.GetInt("embed_dim", 96);
        Depths = config.GetInts("depths") ?? [2, 2, 6, 2];
        Heads = config.GetInts("num_heads") ?? [3, 6, 12, 24];
        if (Heads.Count != Depths.Count)
        {
            throw config.Error("num_heads", $"is of {Heads.Count} stages, 'depths' of {Depths.Count}", "Give one number for each stage in both");
        }

        Size = new TransformerSize(config, eps: 1e-5f) with
        {
            Width = FirstWidth,
            Patch = config.Has("patch_size") ? new TransformerSize(config).Patch : (4, 4),
            DropPath = config.GetFloat("drop_path_rate", 0.1f),
        };
        Window = config.GetInt("window_size", 7);
        MlpRatio = config.GetDouble("mlp_ratio", 4);
        HasPositions = config.GetBool("use_absolute_embeddings", false);
    }

    /// <summary><c>embed_dim</c>: width in the first stage; it doubles in each that follows.</summary>
    public int FirstWidth { get; init; }

    /// <summary><c>depths</c>: blocks of each stage.</summary>
    public IReadOnlyList<int> Depths { get; init; }

    /// <summary><c>num_heads</c> of each stage.</summary>
    public IReadOnlyList<int> Heads { get; init; }

    /// <summary><c>window_size</c>: patches of a window's side.</summary>
    public int Window { get; init; }

    /// <summary><c>mlp_ratio</c>: how much wider the feed-forward layers are.</summary>
    public double MlpRatio { get; init; }

    /// <summary><c>use_absolute_embeddings</c>.</summary>
    public bool HasPositions { get; init; }

    /// <summary>The settings that other vision transformers have too; the width is that of the first stage.</summary>
    public TransformerSize Size { get; init; }

    /// <summary>Blocks of all stages.</summary>
    public int Blocks => Depths.Sum();

    /// <summary>Width in a stage.</summary>
    public int WidthOf(int stage) => FirstWidth << stage;
}

/// <summary>Swin: attention within windows that every other block shifts, in stages; between two of them four neighbours become one vector.</summary>
/// <remarks>Liu et al. 2021, <see href="https://arxiv.org/abs/2103.14030"/>, section 3.</remarks>
public sealed class SwinBackbone : VisionBackbone
{
    private readonly SwinConfig _config;
    private readonly Convolution _projection;
    private readonly Parameter? _positions;
    private readonly LayerNorm _firstNorm;
    private readonly SwinBlock[] _blocks;
    private readonly LayerNorm _lastNorm;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>swin</c>.</summary>
    public SwinBackbone(SwinConfig config, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        _projection = Add(config.Size.Projection(tables.At("patch_embeddings.projection")));
        _firstNorm = Add(new LayerNorm(w.At("embeddings.norm"), config.FirstWidth, config.Size.Eps));
        _positions = config.HasPositions ? Add(tables.Weight("position_embeddings", [1, config.Size.Patches, config.FirstWidth], config.Size.Normal)) : null;
        var blocks = new List<SwinBlock>();
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            WeightScope layer = w.At($"encoder.layers.{stage}");
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                bool merges = i == config.Depths[stage] - 1 && stage < config.Depths.Count - 1;
                int depth = blocks.Count + 1;
                blocks.Add(Add(new SwinBlock(config, stage, depth - 1, layer.At($"blocks.{i}").AtDepth(depth), shifted: i % 2 == 1, merges ? layer.At("downsample").AtDepth(depth) : null)));
            }
        }

        _blocks = [.. blocks];
        _lastNorm = Add(new LayerNorm(w.At("layernorm").AtDepth(_blocks.Length + 1), Width, config.Size.Eps));
    }

    /// <inheritdoc/>
    public override int Width => _config.WidthOf(_config.Depths.Count - 1);

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor patches = _projection.Forward(batch.Pixels);
        Tensor x = _firstNorm.Forward(Ops.Reshape(patches, [patches.Shape[0] * patches.Shape[1] * patches.Shape[2], patches.Shape[3]]));
        if (_positions is not null)
        {
            int count = _config.Size.Patches;
            ShapeException.ThrowUnless(
                x.Rows == batch.Count * count,
                $"a picture of {x.Rows / batch.Count} patches was given, but there are places for {count}. Give pictures of the size in config.json.",
                nameof(SwinBackbone));
            Tensor table = Ops.Reshape(_positions, [count, x.Columns]);
            x = Ops.Add(x, Ops.Rows(table, [.. Enumerable.Range(0, x.Rows).Select(row => row % count)]));
        }

        return Ops.Dropout(x, _config.Size.HiddenDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        (int height, int width) = (batch.Pixels.Shape[1] / _config.Size.Patch.Height, batch.Pixels.Shape[2] / _config.Size.Patch.Width);
        for (int stage = 0; stage < _blocks[index].Stage; stage++)
        {
            (height, width) = ((height + 1) / 2, (width + 1) / 2);
        }

        return _blocks[index].Forward(x, batch, height, width);
    }

    /// <summary>The mean of a picture's vectors, normalised one by one, [N · T, C] → [N, C].</summary>
    protected override Tensor Finish(Tensor x, ImageBatch batch) => VisionTransformer.PatchMeans(_lastNorm.Forward(x), batch, specials: 0);
}

/// <summary>A block of Swin: one pre-norm block whose attention stays within windows; the last of a stage merges neighbours.</summary>
public sealed class SwinBlock : Module
{
    private readonly PreNormBlock _block;
    private readonly RelativePositions _distances;
    private readonly LayerNorm? _mergeNorm;
    private readonly Linear? _reduction;
    private readonly int _window;
    private readonly bool _shifted;

    /// <summary>Builds the block.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="stage">The number of its stage.</param>
    /// <param name="index">Its number among the blocks of all stages.</param>
    /// <param name="w">Its place in the checkpoint, e.g. <c>swin.encoder.layers.1.blocks.0</c>.</param>
    /// <param name="shifted">True where its windows are shifted.</param>
    /// <param name="merge">The place of what merges neighbours after it, or null.</param>
    public SwinBlock(SwinConfig config, int stage, int index, WeightScope w, bool shifted, WeightScope? merge)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        (Stage, _window, _shifted) = (stage, config.Window, shifted);
        TransformerSize size = config.Size;
        int width = config.WidthOf(stage);
        int hidden = (int)(config.MlpRatio * width);
        WeightScope attention = w.At("attention").As(ParameterKind.Attention);
        WeightScope mlp = w.As(ParameterKind.FeedForward);
        _block = Add(new PreNormBlock(
            w,
            width,
            new LayerNorm(w.At("layernorm_before"), width, size.Eps),
            new SelfAttention(
                attention.At("self"),
                index,
                new AttentionOptions(config.Heads[stage]) { DropoutRate = size.AttentionDropout },
                new Linear(attention.At("self.query"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("self.key"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("self.value"), width, width, size.Normal, size.HasOffsets),
                new Linear(attention.At("output.dense"), width, width, size.Normal)),
            new LayerNorm(w.At("layernorm_after"), width, size.Eps),
            new Mlp(w.Path, new Linear(mlp.At("intermediate.dense"), width, hidden, size.Normal), new Linear(mlp.At("output.dense"), hidden, width, size.Normal), size.Activation),
            new ResidualOptions { Dropout = size.HiddenDropout, DropPath = TransformerSize.DropPathOf(index, config.Blocks, size.DropPath) }));
        _distances = Add(new RelativePositions(attention.At("self"), (config.Window, config.Window), config.Heads[stage]));
        if (merge is not null)
        {
            _mergeNorm = Add(new LayerNorm(merge.At("norm"), 4 * width, size.Eps));
            _reduction = Add(new Linear(merge.At("reduction"), 4 * width, 2 * width, size.Normal, bias: false));
        }
    }

    /// <summary>The number of its stage, from 0.</summary>
    public int Stage { get; }

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N · height · width, C].</param>
    /// <param name="batch">The pictures.</param>
    /// <param name="height">Vectors from top to bottom.</param>
    /// <param name="width">Vectors from left to right.</param>
    /// <returns>The same shape; where neighbours merge, a quarter as many vectors, twice as wide.</returns>
    public Tensor Forward(Tensor x, ImageBatch batch, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var windows = new SwinWindows(batch.Count, height, width, _window, _shifted);
        Tensor bias = _distances.Forward((windows.Side, windows.Side));
        Tensor y = _block.Forward(x, batch.Rows(height * width), h => windows.Join(_block.Attention.Forward(windows.Cut(h), bias, windows.Spans)));
        return _mergeNorm is null ? y : _reduction!.Forward(_mergeNorm.Forward(Neighbours(y, batch.Count, height, width)));
    }

    // Four neighbours in one row: the upper and the lower left one, then the upper and the lower right one; beyond an odd side lie zeros.
    private static Tensor Neighbours(Tensor x, int pictures, int height, int width)
    {
        (int rows, int columns) = ((height + 1) / 2, (width + 1) / 2);
        int[] order = new int[pictures * rows * columns * 4];
        bool reachesOut = false;
        for (int i = 0; i < order.Length; i++)
        {
            (int place, int neighbour) = Math.DivRem(i, 4);
            (int picture, int inPicture) = Math.DivRem(place, rows * columns);
            (int down, int across) = ((2 * (inPicture / columns)) + (neighbour % 2), (2 * (inPicture % columns)) + (neighbour / 2));
            bool exists = down < height && across < width;
            reachesOut |= !exists;
            order[i] = exists ? (((picture * height) + down) * width) + across : x.Rows;
        }

        if (reachesOut)
        {
            Tensor zeros = Tensor.Create([1, x.Columns], x.Backend);
            zeros.Backend.Fill(zeros, 0f);
            x = Ops.Concatenate(x, zeros);
        }

        return Ops.Reshape(Ops.Rows(x, order), [order.Length / 4, 4 * x.Columns]);
    }
}

/// <summary>How Swin checkpoints are read.</summary>
public sealed class SwinFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "swin";

    /// <inheritdoc/>
    public override string BasePrefix => "swin";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture => "SwinForImageClassification";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new SwinBackbone(new SwinConfig(config), root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) =>
        new FirstVectorHead(root, backbone, outputs, new SwinConfig(config).Size.Normal);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config) => new SwinConfig(config).Size.Input(ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);

    /// <inheritdoc/>
    public override bool IsForeign(string name) => base.IsForeign(name) || name.EndsWith("relative_position_index", StringComparison.Ordinal)
        || name.EndsWith("attn_mask", StringComparison.Ordinal) || name.StartsWith("classifier.", StringComparison.Ordinal) || name.Contains("mask_token", StringComparison.Ordinal)
        || name.StartsWith("decoder.", StringComparison.Ordinal);
}
