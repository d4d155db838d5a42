using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.VitPytorch;

/// <summary>
/// A vision transformer in the names that the first versions of the library <c>vit-pytorch</c> gave: a linear layer reads the pixels of each patch,
/// queries, keys and values come from one projection without offsets, and nothing is normalised after the last block.
/// </summary>
/// <remarks>Its weights come without a <c>config.json</c>; one with the keys of ViT's stands in.</remarks>
public sealed class VitPytorchBackbone : VisionTransformer
{
    private const float Eps = 1e-5f; // PyTorch's default

    private readonly TransformerSize _size;
    private readonly Parameter _class;
    private readonly Parameter _positions;
    private readonly Linear _embedding;
    private readonly PreNormBlock[] _blocks;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, which have no prefix.</summary>
    public VitPytorchBackbone(TransformerSize size, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(size);
        _size = size;
        WeightScope tables = w.As(ParameterKind.Embedding);
        int numbers = size.NumbersOfPatch;
        _class = Add(tables.Weight("cls_token", [1, 1, size.Width], Initializer.Normal(1f)));
        _positions = Add(tables.Weight("pos_embedding", [1, 1 + size.Patches, size.Width], Initializer.Normal(1f)));
        _embedding = Add(new Linear(tables.At("patch_to_embedding"), numbers, size.Width, Initializer.KaimingUniform(numbers)));
        _blocks = [.. Enumerable.Range(0, size.Layers).Select(i => Add(Block(size, w.At($"transformer.layers.{i}").AtDepth(i + 1), i)))];
    }

    /// <inheritdoc/>
    public override int Width => _size.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override int Specials => 1;

    /// <inheritdoc/>
    public override int NumbersOfPatch => _size.NumbersOfPatch;

    /// <inheritdoc/>
    protected override Tensor Embed(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Ops.Dropout(Arrange(_embedding.Forward(PatchesOf(batch.Pixels)), _positions, _size.Grid, _class), _size.HiddenDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return _blocks[index].Forward(x, rows, rows.BidirectionalSpans());
    }

    // The numbers of each patch, row by row, channels last. A row of a patch lies in one piece, so that patches are such pieces in another order.
    private Tensor PatchesOf(Tensor pixels)
    {
        (int pictures, int channels) = (pixels.Shape[0], pixels.Shape[3]);
        (int rows, int columns) = (pixels.Shape[1] / _size.Patch.Height, pixels.Shape[2] / _size.Patch.Width);
        int piece = _size.Patch.Width * channels;
        Tensor pieces = Ops.Reshape(pixels, [pictures * pixels.Shape[1] * columns, piece]);
        int[] order = new int[pieces.Rows];
        int next = 0;
        for (int patchRow = 0; patchRow < pictures * rows; patchRow++)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int y = 0; y < _size.Patch.Height; y++)
                {
                    order[next++] = (((patchRow * _size.Patch.Height) + y) * columns) + column;
                }
            }
        }

        return Ops.Reshape(Ops.Rows(pieces, order), [pictures, rows, columns, _size.Patch.Height * piece]);
    }

    private static PreNormBlock Block(TransformerSize size, WeightScope w, int index)
    {
        (int width, Initializer initializer) = (size.Width, Initializer.KaimingUniform(size.Width));
        WeightScope attention = w.At("0.fn.fn").As(ParameterKind.Attention);
        WeightScope mlp = w.At("1.fn.fn.net").As(ParameterKind.FeedForward);
        return new PreNormBlock(
            w,
            width,
            new LayerNorm(w.At("0.fn.norm"), width, Eps),
            new SelfAttention(attention, index, size.Attention, new Linear(attention.At("to_qkv"), width, 3 * width, initializer, bias: false), new Linear(attention.At("to_out"), width, width, initializer)),
            new LayerNorm(w.At("1.fn.norm"), width, Eps),
            new Mlp(mlp.Path, new Linear(mlp.At("0"), width, size.Hidden, initializer), new Linear(mlp.At("2"), size.Hidden, width, Initializer.KaimingUniform(size.Hidden)), size.Activation),
            new ResidualOptions { Dropout = size.HiddenDropout });
    }
}

/// <summary>Its output layer: two linear layers that read the class vector.</summary>
public sealed class VitPytorchHead : VisionHead
{
    private readonly Linear _hidden;
    private readonly Linear _out;
    private readonly Activation _activation;

    /// <summary>Takes <c>mlp_head.0</c> and <c>mlp_head.2</c> from <paramref name="root"/>.</summary>
    public VitPytorchHead(TransformerSize size, WeightScope root, int outputs)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(size);
        ArgumentNullException.ThrowIfNull(root);
        _activation = size.Activation;
        WeightScope head = root.At("mlp_head").As(ParameterKind.Head).AtDepth(size.Layers + 1);
        _hidden = Add(new Linear(head.At("0"), size.Width, size.Hidden, Initializer.KaimingUniform(size.Width)));
        _out = Add(new Linear(head.At("2"), size.Hidden, outputs, Initializer.KaimingUniform(size.Hidden)));
    }

    /// <inheritdoc/>
    public override int Outputs => _out.Out;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor features, ImageBatch batch)
    {
        Tensor hidden = _hidden.Forward(VisionTransformer.VectorsAt(features, batch, 0)); // [N, C] → [N, H]
        return _out.Forward(Ops.Activate(hidden, _activation));                           // [N, outputs]
    }
}

/// <summary>How such weights are read.</summary>
public sealed class VitPytorchFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "vit-pytorch";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["to_qkv"];

    /// <inheritdoc/>
    public override string Architecture => "ViT";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) => new VitPytorchBackbone(new TransformerSize(config), root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs) => new VitPytorchHead(new TransformerSize(config), root, outputs);

    /// <inheritdoc/>
    public override ImageInput InputOf(ModelConfig config)
    {
        var size = new TransformerSize(config);
        return size.Channels == 1
            ? size.Input([ImageInput.MnistMean], [ImageInput.MnistDeviation])
            : size.Input(ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);
    }
}
