using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="OFT"/>.</summary>
public sealed record OFTOptions : LayerAdapterOptions, IValidated
{
    /// <summary>Columns that turn together; where it does not divide a layer's width, the nearest divisor is taken. 0 where <see cref="Blocks"/> is given. Default 32.</summary>
    [Range(0, 4096)]
    public int BlockSize { get; init; } = 32;

    /// <summary>Number of blocks, in place of their size. Default 0.</summary>
    [Range(0, 65536)]
    public int Blocks { get; init; }

    /// <summary>True turns all blocks of a layer alike. Default false.</summary>
    public bool Shared { get; init; }

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new OFTLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new OFT(this);

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
/// Orthogonal fine-tuning: the input of each layer is turned block by block, y = W·Rᵀx + b with orthogonal blocks R = (I − S)(I + S)⁻¹, S
/// skew-symmetric. Angles between neurons stay as they were.
/// </summary>
/// <remarks>
/// Qiu et al. 2023, <see href="https://arxiv.org/abs/2306.07280"/>, section 3, on the side of the input as PEFT has it since version 0.16. S starts
/// at 0, so that the first step starts from the base model.
/// </remarks>
public sealed class OFT(OFTOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        OFTOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "OFT");
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, effective.Targets, "OFT"))
        {
            int size = SizeFor(layer);
            Tensor triangles = Initializer.Zeros.Create(
                [effective.Shared ? 1 : layer.In / size, size * (size - 1) / 2], seed, $"{layer.Path}.{OFTLayout.Triangles}", layer.Weight.Value.Backend);
            adapter.Attach(new OFTUpdate(layer, adapter.Name, triangles, size, OFTMap.Cayley));
        }

        return adapter.Complete();
    }

    private int SizeFor(Linear layer)
    {
        int size = options.BlockSize > 0 ? NearestDivisor(layer.In, options.BlockSize) : layer.In / Math.Max(1, options.Blocks);
        return size > 1 && layer.In % size == 0 && (options.BlockSize > 0 || layer.In / size == options.Blocks) ? size : throw new TuningException(
            ErrorCodes.TuningTargetUnknown, "OFT", $"the {layer.In} inputs of '{layer.Path}' do not make {(options.Blocks > 0 ? $"{options.Blocks} blocks" : "blocks")} of at least 2", "Set 'tuning.blockSize' to a divisor of the width");
    }

    // Of two equally near, the smaller.
    private static int NearestDivisor(int width, int size)
    {
        (int lower, int higher) = (Math.Min(size, width), Math.Min(size, width));
        while (width % lower != 0)
        {
            lower--;
        }

        while (width % higher != 0)
        {
            higher++;
        }

        return higher - size < size - lower ? higher : lower;
    }
}

/// <summary>How an orthogonal block follows from a skew-symmetric one.</summary>
/// <param name="Terms">Terms of the series; 0 for Cayley's map itself.</param>
/// <param name="HalfLast">True takes the last term of the series once instead of twice.</param>
public sealed record OFTMap(int Terms, bool HalfLast)
{
    /// <summary>R = (I − S)(I + S)⁻¹, exactly orthogonal.</summary>
    public static OFTMap Cayley { get; } = new(0, false);

    internal Tensor Of(Tensor skew) => Terms == 0 ? SkewBlocks.Cayley(skew) : SkewBlocks.Series(skew, Terms, HalfLast);
}

/// <summary>The blocks by which the input of one layer is turned.</summary>
public sealed class OFTUpdate : InputRotation
{
    private readonly Parameter _triangles;
    private readonly SkewBlocks _skew;
    private readonly OFTMap _map;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="triangles">The numbers above the diagonals of the skew-symmetric blocks, [D, b(b − 1)/2], or [1, b(b − 1)/2] for all blocks alike; long-lived.</param>
    /// <param name="size">b.</param>
    /// <param name="map">How R follows from S.</param>
    public OFTUpdate(Linear layer, string adapter, Tensor triangles, int size, OFTMap map)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(triangles);
        _triangles = layer.CreateUpdateWeight(OFTLayout.Triangles, triangles);
        (_skew, _map) = (SkewBlocks.OfTriangles(layer.In / size, size, shared: triangles.Rows < layer.In / size), map);
        Parameters = [_triangles];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    protected override Tensor Rotate(Tensor rows, bool back)
    {
        Tensor skew = _skew.Of(_triangles);
        return Ops.BlockLinear(rows, _map.Of(back ? Ops.Scale(skew, -1f) : skew)); // −S = Sᵀ gives Rᵀ
    }
}

/// <summary>OFT adapters in PEFT's files: those of version 0.16 and later, and, to be read, those of 0.13.</summary>
internal sealed class OFTLayout : PeftLayout
{
    public const string Triangles = "oft_R.weight";
    public const string Squares = "oft_r";

    /// <inheritdoc/>
    public override string PeftType => "OFT";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ModelConfig file = config.Settings!;
        PeftSettings.ThrowIf(config, file.GetBool("coft", false), "the adapter limits how far its blocks turn (coft), which is not applied here");
        return new OFTOptions
        {
            BlockSize = file.GetInt("oft_block_size", 0),
            Blocks = file.GetInt("r", 0),
            Shared = file.GetBool("block_share", false),
            Targets = PeftSettings.Targets(config),
            ModulesToSave = PeftSettings.ModulesToSave(config),
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        (ModelConfig file, bool shared) = (adapter.Source!.Settings!, ((OFTOptions)adapter.Options).Shared);

        // PEFT before 0.18, which did not write its version yet, took the last term of the series twice.
        OFTMap map = file.GetBool("use_cayley_neumann", true) ? new OFTMap(file.GetInt("num_cayley_neumann_terms", 5), file.Has("peft_version")) : OFTMap.Cayley;
        foreach (string path in weights.PathsWith(Triangles))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            int each = weights.ShapeOf(path, Triangles) is [_, var numbers] ? numbers : 0;
            int size = (int)Math.Round((1 + Math.Sqrt(1 + (8.0 * each))) / 2);
            PeftSettings.ThrowIf(adapter.Source, size < 2 || layer.In % size != 0, $"blocks of {size} do not divide the {layer.In} inputs of '{path}'");
            int blocks = layer.In / size;
            adapter.Attach(new OFTUpdate(layer, adapter.Name, weights.Take(path, Triangles, [shared ? 1 : blocks, size * (size - 1) / 2]), size, map));
        }

        foreach (string path in weights.PathsWith(Squares))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            int blocks = Math.Max(1, ((OFTOptions)adapter.Options).Blocks);
            PeftSettings.ThrowIf(adapter.Source, layer.Out % blocks != 0, $"{blocks} blocks do not divide the {layer.Out} outputs of '{path}'");
            int size = layer.Out / blocks;
            adapter.Attach(new OFTOutputUpdate(layer, adapter.Name, weights.Take(path, Squares, [shared ? 1 : blocks, size, size]), blocks));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (OFTOptions)adapter.Options;
        return PeftSettings.Describe(adapter, [
            ("r", options.Blocks), ("oft_block_size", options.BlockSize), ("block_share", options.Shared), ("coft", false), ("eps", 6e-5), ("module_dropout", 0.0),
            ("use_cayley_neumann", false), ("num_cayley_neumann_terms", 5), ("bias", "none"), ("init_weights", true), ("exclude_modules", null),
            PeftSettings.FanInFanOut(adapter), .. PeftSettings.AllLayers]);
    }
}
