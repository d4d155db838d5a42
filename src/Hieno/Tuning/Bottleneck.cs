using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Where bottleneck adapters stand in a block, and what they read.</summary>
public enum BottleneckPlacement
{
    /// <summary>After the feed-forward layers, behind the block's norm where that follows (Pfeiffer et al. 2020).</summary>
    Pfeiffer,

    /// <summary>After attention and after the feed-forward layers (Houlsby et al. 2019).</summary>
    Houlsby,

    /// <summary>Beside the feed-forward layers: it reads what they read (He et al. 2021).</summary>
    Parallel,
}

/// <summary>Settings of <see cref="Bottleneck"/>.</summary>
public sealed record BottleneckOptions : AdapterOptions
{
    /// <summary>Where adapters stand: pfeiffer, houlsby, parallel. Default pfeiffer.</summary>
    public BottleneckPlacement Placement { get; init; } = BottleneckPlacement.Pfeiffer;

    /// <summary>The width of the model divided by that of the bottleneck. Default (0): 16, for parallel 2.</summary>
    [Range(0, 65536)]
    public int Reduction { get; init; }

    /// <summary>The activation in the bottleneck. Default: relu, for houlsby silu.</summary>
    public Activation? Activation { get; init; }

    /// <summary>The factor of what an adapter adds. Default (0): 1, for parallel 4.</summary>
    [Range(0.0, 1e3)]
    public double Scale { get; init; }

    /// <summary>True trains gains and offsets of the norms as well, as Houlsby et al. do. Default false.</summary>
    public bool TrainNorms { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new BottleneckLayout();

    internal int EffectiveReduction => Reduction > 0 ? Reduction : Placement == BottleneckPlacement.Parallel ? 2 : 16;

    internal float EffectiveScale => (float)(Scale > 0 ? Scale : Placement == BottleneckPlacement.Parallel ? 4 : 1);

    internal Activation EffectiveActivation =>
        Activation ?? (Placement == BottleneckPlacement.Houlsby ? Tensors.Activation.Silu : Tensors.Activation.Relu);

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Bottleneck(this);
}

/// <summary>
/// Bottleneck adapters: small networks of two layers between the parts of each block, f + s·(U·φ(D·h + d) + u), with h read according to
/// their placement. U and u start at 0, so that the first step starts from the base model exactly.
/// </summary>
/// <remarks>
/// Houlsby et al. 2019, <see href="https://arxiv.org/abs/1902.00751"/>, section 2.1; Pfeiffer et al. 2020,
/// <see href="https://arxiv.org/abs/2005.00247"/>, section 3; He et al. 2021, <see href="https://arxiv.org/abs/2110.04366"/>, section 3.
/// Where a block's norms come first, Pfeiffer's adapter reads what the feed-forward layers give.
/// </remarks>
public sealed class Bottleneck(BottleneckOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        BlockSite[] sites = [.. model.Modules().OfType<BlockSite>().Where(site => site.Where == BlockPlace.FeedForward
            || (site.Where == BlockPlace.Attention && options.Placement == BottleneckPlacement.Houlsby))];
        if (sites.Length == 0)
        {
            throw new TuningException(ErrorCodes.TuningNothingTrains, "bottleneck", "this model has no blocks with places for adapters", "Choose 'full' or 'head'");
        }

        var adapter = Adapter.Begin(model, options, "bottleneck");
        Backend backend = model.Backend;
        foreach (BlockSite site in sites)
        {
            int inner = Math.Max(1, site.Width / options.EffectiveReduction);
            Tensor Create(Initializer start, string name, Shape shape) => start.Create(shape, seed, $"{site.Path}.{name}", backend);
            Initializer down = options.Placement == BottleneckPlacement.Parallel ? Initializer.KaimingUniform(site.Width) : Initializer.Normal(0.02f);
            adapter.Attach(new BottleneckUpdate(site, adapter.Name, options,
                Create(down, BottleneckLayout.Down, [inner, site.Width]), Create(Initializer.Zeros, BottleneckLayout.DownBias, [inner]),
                Create(Initializer.Zeros, BottleneckLayout.Up, [site.Width, inner]), Create(Initializer.Zeros, BottleneckLayout.UpBias, [site.Width])));
        }

        adapter.Train(options.TrainNorms ? model.Parameters().Where(parameter => parameter.Kind == ParameterKind.Norm) : []);
        return adapter.Complete();
    }
}

/// <summary>One bottleneck adapter.</summary>
public sealed class BottleneckUpdate : BlockUpdate
{
    private readonly BottleneckPlacement _placement;
    private readonly Activation _activation;
    private readonly float _scale;

    /// <summary>Makes the part.</summary>
    /// <param name="site">Its place.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="options">Placement, activation and scale.</param>
    /// <param name="down">D, [b, C], long-lived.</param>
    /// <param name="downBias">d, [b], long-lived.</param>
    /// <param name="up">U, [C, b], long-lived.</param>
    /// <param name="upBias">u, [C], long-lived.</param>
    public BottleneckUpdate(BlockSite site, string adapter, BottleneckOptions options, Tensor down, Tensor downBias, Tensor up, Tensor upBias)
        : base(site, adapter)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(options);
        (_placement, _activation, _scale) = (options.Placement, options.EffectiveActivation, options.EffectiveScale);
        Parameters =
        [
            site.CreateUpdateWeight(BottleneckLayout.Down, down), site.CreateUpdateWeight(BottleneckLayout.DownBias, downBias),
            site.CreateUpdateWeight(BottleneckLayout.Up, up), site.CreateUpdateWeight(BottleneckLayout.UpBias, upBias),
        ];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor y, BlockPass pass)
    {
        // Where a norm follows, Pfeiffer's adapter reads the stream as it would come out of that norm without it.
        Tensor read = _placement switch
        {
            BottleneckPlacement.Parallel => pass.Input,
            BottleneckPlacement.Pfeiffer when Site.NormAfter is { } norm => norm(Ops.Add(y, pass.Residual)),
            _ => y,
        };
        Tensor inner = Ops.Activate(Ops.Linear(read, Parameters[0], Parameters[1].Value), _activation); // [N, b]
        Tensor change = Ops.Linear(inner, Parameters[2], Parameters[3].Value);                          // [N, C]
        return Ops.Add(y, _scale == 1f ? change : Ops.Scale(change, _scale));
    }
}

/// <summary>Bottleneck adapters in a folder as PEFT's; PEFT itself does not know them.</summary>
internal sealed class BottleneckLayout : PeftLayout
{
    public const string Down = "down.weight";
    public const string DownBias = "down.bias";
    public const string Up = "up.weight";
    public const string UpBias = "up.bias";

    /// <inheritdoc/>
    public override string PeftType => "BOTTLENECK";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        string Known<T>(string key)
            where T : struct, Enum
        {
            string name = settings.GetString(key);
            return Enum.TryParse<T>(name, ignoreCase: true, out _)
                ? name
                : throw settings.Error(key, $"is '{name}', expected {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}", "Correct the configuration");
        }

        return new BottleneckOptions
        {
            Placement = Enum.Parse<BottleneckPlacement>(Known<BottleneckPlacement>("placement"), ignoreCase: true),
            Activation = Enum.Parse<Activation>(Known<Activation>("activation"), ignoreCase: true),
            Reduction = settings.GetInt("reduction"),
            Scale = settings.GetDouble("scale"),
            TrainNorms = settings.GetBool("train_norms", false),
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        foreach (string path in weights.PathsWith(Down))
        {
            var site = weights.ModuleAt<BlockSite>(path);
            int inner = weights.ShapeOf(path, Down)[0];
            adapter.Attach(new BottleneckUpdate(site, adapter.Name, (BottleneckOptions)adapter.Options,
                weights.Take(path, Down, [inner, site.Width]), weights.Take(path, DownBias, [inner]),
                weights.Take(path, Up, [site.Width, inner]), weights.Take(path, UpBias, [site.Width])));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (BottleneckOptions)adapter.Options;
        var values = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["placement"] = options.Placement.ToString().ToLowerInvariant(),
            ["activation"] = options.EffectiveActivation.ToString().ToLowerInvariant(),
            ["reduction"] = options.EffectiveReduction,
            ["scale"] = options.EffectiveScale,
            ["train_norms"] = options.TrainNorms,
        };
        return new PeftAdapterConfig { Other = values.ToDictionary(item => item.Key, item => JsonSerializer.SerializeToElement(item.Value), StringComparer.Ordinal) };
    }
}
