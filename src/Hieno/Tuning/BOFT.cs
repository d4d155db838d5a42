using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="BOFT"/>.</summary>
public sealed record BOFTOptions : LayerAdapterOptions, IValidated
{
    /// <summary>Columns b that turn together, a divisor of each layer's width; 0 where <see cref="Blocks"/> is given. Default 4.</summary>
    [Range(0, 4096)]
    public int BlockSize { get; init; } = 4;

    /// <summary>Number of blocks, in place of their size. Default 0.</summary>
    [Range(0, 65536)]
    public int Blocks { get; init; }

    /// <summary>Number m of butterfly factors, each of which mixes blocks that lie twice as far apart; 1 is plain OFT. Default 1.</summary>
    [Range(1, 16)]
    public int Factors { get; init; } = 1;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new BOFTLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new BOFT(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if ((BlockSize == 0) == (Blocks == 0))
        {
            yield return $"'blockSize' is {BlockSize} and 'blocks' is {Blocks}: exactly one of them must be above 0. Set the other one to 0.";
        }
    }
}

/// <summary>
/// BOFT: the input of each layer is turned by a product of sparse orthogonal matrices, and each output scaled, y = s ∘ (W·Bᵀx) + b with
/// B = B_m … B_1; each factor turns blocks of columns that a butterfly permutation brings together.
/// </summary>
/// <remarks>
/// Liu et al. 2023, <see href="https://arxiv.org/abs/2311.06243"/>, section 4. The blocks start at the unit matrix and s at 1, so that the first
/// step starts from the base model.
/// </remarks>
public sealed class BOFT(BOFTOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        BOFTOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "BOFT");
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, effective.Targets, "BOFT"))
        {
            (int size, Backend backend) = (SizeFor(layer), layer.Weight.Value.Backend);
            Tensor blocks = Initializer.Zeros.Create([effective.Factors, layer.In / size, size, size], seed, $"{layer.Path}.{BOFTLayout.Blocks}", backend);
            Tensor scale = Initializer.Ones.Create([layer.Out, 1], seed, $"{layer.Path}.{BOFTLayout.Scale}", backend);
            adapter.Attach(new BOFTUpdate(layer, adapter.Name, blocks, scale));
        }

        return adapter.Complete();
    }

    private int SizeFor(Linear layer)
    {
        int size = options.BlockSize > 0 ? options.BlockSize : layer.In / Math.Max(1, options.Blocks);
        bool fits = size > 1 && layer.In % size == 0 && (options.Blocks == 0 || layer.In / size == options.Blocks);
        if (!fits || (options.Factors > 1 && (size % 2 != 0 || layer.In % ((long)size << (options.Factors - 1)) != 0)))
        {
            throw new TuningException(
                ErrorCodes.TuningTargetUnknown,
                "BOFT",
                $"the {layer.In} inputs of '{layer.Path}' do not make {(options.Blocks > 0 ? $"{options.Blocks} blocks" : $"blocks of {options.BlockSize}")} for {options.Factors} factors",
                "Choose an even 'tuning.blockSize' that, doubled for each factor beyond the first, divides the width");
        }

        return size;
    }
}

/// <summary>The blocks and scales of one layer.</summary>
public sealed class BOFTUpdate : InputRotation
{
    private readonly Parameter _blocks;
    private readonly Parameter _scale;
    private readonly SkewBlocks _skew;
    private readonly int[][] _orders;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="blocks">Blocks of which the skew-symmetric parts count, [m, D, b, b], long-lived.</param>
    /// <param name="scale">s, [out, 1], long-lived.</param>
    public BOFTUpdate(Linear layer, string adapter, Tensor blocks, Tensor scale)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(blocks);
        (_blocks, _scale) = (layer.CreateUpdateWeight(BOFTLayout.Blocks, blocks), layer.CreateUpdateWeight(BOFTLayout.Scale, scale));
        _skew = SkewBlocks.OfSquares(blocks.Shape[1], blocks.Shape[2], shared: false);
        _orders = [.. Enumerable.Range(0, blocks.Shape[0]).Select(factor => Order(layer.In, blocks.Shape[2], factor))];
        Parameters = [_blocks, _scale];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override LinearUpdateForm Form => LinearUpdateForm.RemakesWeight;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y)
    {
        Tensor scaled = Ops.ScaleColumns(y, Factors);
        return Layer.Bias is { } bias ? Offset.Restore(scaled, bias, offset => Ops.ScaleColumns(offset, Factors)) : scaled;
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        base.Merge();
        StoredWeight.Rewrite(Layer, weight => StoredWeight.ScaleOutputs(Layer, weight, Factors));
    }

    /// <inheritdoc/>
    protected override Tensor Rotate(Tensor rows, bool back)
    {
        // All factors lie below each other: [m, D·b·b].
        Shape one = [_blocks.Value.Shape[1], _blocks.Value.Shape[2], _blocks.Value.Shape[2]];
        Tensor all = Ops.Reshape(_blocks, [_orders.Length, (int)one.Count]);
        for (int step = 0; step < _orders.Length; step++)
        {
            int factor = back ? step : _orders.Length - 1 - step; // x·B_m … B_1
            Tensor skew = _skew.Of(_orders.Length == 1 ? _blocks : Ops.Reshape(Ops.Rows(all, [factor]), one));
            Tensor turn = SkewBlocks.Cayley(back ? Ops.Scale(skew, -1f) : skew);
            rows = factor == 0
                ? Ops.BlockLinear(rows, turn)
                : Columns(Ops.BlockLinear(Columns(rows, Inverse(_orders[factor])), turn), _orders[factor]);
        }

        return rows;
    }

    private Tensor Factors => Ops.Reshape(_scale, [Layer.Out]);

    // Within groups of b·2^factor columns, pieces of b/2: the even ones first, then the odd ones.
    private static int[] Order(int width, int size, int factor)
    {
        (int group, int piece) = (size << factor, Math.Max(1, size / 2));
        int half = group / piece / 2;
        return [.. Enumerable.Range(0, width).Select(i =>
        {
            (int start, int within) = (i / group * group, i % group);
            (int place, int rest) = (within / piece, within % piece);
            int from = place < half ? 2 * place : (2 * (place - half)) + 1;
            return factor == 0 ? i : start + (from * piece) + rest;
        })];
    }

    private static int[] Inverse(int[] order)
    {
        int[] inverse = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            inverse[order[i]] = i;
        }

        return inverse;
    }

    // Column i of the result is column order[i].
    private static Tensor Columns(Tensor x, int[] order)
    {
        Tensor matrix = Ops.Reshape(x, [x.Rows, x.Columns]);
        return Ops.Reshape(Ops.Transpose(Ops.Rows(Ops.Transpose(matrix), order)), x.Shape);
    }
}

/// <summary>BOFT adapters in PEFT's files.</summary>
internal sealed class BOFTLayout : PeftLayout
{
    public const string Blocks = "boft_R";
    public const string Scale = "boft_s";

    /// <inheritdoc/>
    public override string PeftType => "BOFT";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) => new BOFTOptions
    {
        BlockSize = config.Settings!.GetInt("boft_block_size", 4),
        Blocks = config.Settings.GetInt("boft_block_num", 0),
        Factors = config.Settings.GetInt("boft_n_butterfly_factor", 1),
        Targets = PeftSettings.Targets(config),
        ModulesToSave = PeftSettings.ModulesToSave(config),
    };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        foreach (string path in weights.PathsWith(Blocks))
        {
            // Without its CUDA kernel PEFT makes one factor, whatever the settings say: the file tells how many there are.
            Linear layer = weights.ModuleAt<Linear>(path);
            int[] shape = weights.ShapeOf(path, Blocks);
            (int factors, int size) = shape.Length == 4 ? (shape[0], shape[3]) : (0, 0);
            bool fits = factors is >= 1 and <= 16 && size >= 1 && layer.In % ((long)size << (factors - 1)) == 0 && (factors == 1 || size % 2 == 0);
            PeftSettings.ThrowIf(adapter.Source!, !fits, $"{factors} butterfly factors with blocks of {size} do not fit the {layer.In} inputs of '{path}'");
            Tensor blocks = weights.Take(path, Blocks, [factors, layer.In / size, size, size]);
            adapter.Attach(new BOFTUpdate(layer, adapter.Name, blocks, weights.Take(path, Scale, [layer.Out, 1])));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (BOFTOptions)adapter.Options;
        return PeftSettings.Describe(adapter, [
            ("boft_block_size", options.BlockSize), ("boft_block_num", options.Blocks), ("boft_n_butterfly_factor", options.Factors), ("boft_dropout", 0.0),
            ("bias", "none"), ("init_weights", true), PeftSettings.FanInFanOut(adapter), .. PeftSettings.AllLayers]);
    }
}
