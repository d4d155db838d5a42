using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>How a vector is edited; names are pyreft's.</summary>
public enum ReftEdit
{
    /// <summary>h + Rᵀ(φ(Wh + b) − Rh), with orthonormal rows of R.</summary>
    LoReft,

    /// <summary>h + Rᵀ(φ(Wh + b) − Rh), with any R.</summary>
    NoReft,

    /// <summary>h + Rᵀφ(Wh + b), with orthonormal rows of R.</summary>
    DiReft,

    /// <summary>h + Rᵀφ(Wh + b), with any R: what the paper calls DiReFT.</summary>
    NodiReft,
}

/// <summary>Settings of <see cref="Reft"/>.</summary>
public sealed record ReftOptions : AdapterOptions
{
    /// <summary>How a vector is edited: lo-reft, no-reft, di-reft, nodi-reft. Default lo-reft.</summary>
    public ReftEdit Edit { get; init; } = ReftEdit.LoReft;

    /// <summary>Rank r of an edit. Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>How many of the first tokens of a prompt are edited, at most half of it. Default 7.</summary>
    [Range(0, 65536)]
    public int FirstTokens { get; init; } = 7;

    /// <summary>How many of the last tokens of a prompt are edited, at most half of it. Default 7.</summary>
    [Range(0, 65536)]
    public int LastTokens { get; init; } = 7;

    /// <summary>True edits first and last tokens with the same weights. Default false.</summary>
    public bool Tied { get; init; }

    /// <summary>Numbers of the blocks after which vectors are edited, from 0. Default: all.</summary>
    public IReadOnlyList<int> Blocks { get; init; } = [];

    /// <summary>The activation φ. Default identity.</summary>
    public Activation Activation { get; init; } = Activation.Identity;

    /// <summary>Probability of dropping a number of an edited vector. Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 9e-4;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new ReftLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Reft(this);
}

/// <summary>Representation fine-tuning: no weight changes; the vectors of a few tokens of the prompt are edited after blocks, in a space of low rank.</summary>
/// <remarks>Wu et al. 2024, <see href="https://arxiv.org/abs/2404.03592"/>, section 3. Weights start as pyreft's: R orthogonal, W and b as a linear layer.</remarks>
public sealed class Reft(ReftOptions options) : ITuningMethod
{
    private const string Who = "reft";

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText(Who);
        BlockSite[] all = [.. text.Modules().OfType<BlockSite>().Where(site => site.Where == BlockPlace.Output)];
        if (options.Blocks.Any(block => block < 0 || block >= all.Length))
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, Who, $"the blocks [{string.Join(", ", options.Blocks)}] were asked for, this model has {all.Length}", $"Set 'tuning.blocks' to numbers from 0 to {all.Length - 1}");
        }

        if (all.Length == 0 || options.FirstTokens + options.LastTokens == 0)
        {
            throw new TuningException(ErrorCodes.TuningNothingTrains, Who, all.Length == 0 ? "this model has no blocks" : "no token is to be edited", "Set 'tuning.firstTokens' or 'tuning.lastTokens'");
        }

        if (options.Rank > text.Backbone.Width)
        {
            throw new TuningException(ErrorCodes.RecipeValueOutOfRange, Who, $"rank {options.Rank} is more than the width {text.Backbone.Width} of this model", "Give a smaller 'tuning.rank'");
        }

        var adapter = Adapter.Begin(text, options, Who);
        foreach (BlockSite site in options.Blocks.Count == 0 ? all : all.Where(site => options.Blocks.Contains(site.Block)))
        {
            foreach (string group in ReftLayout.Groups(options))
            {
                adapter.Attach(Start(site, adapter.Name, group, seed));
            }
        }

        return adapter.Complete();
    }

    private ReftUpdate Start(BlockSite site, string adapter, string group, ulong seed)
    {
        (int width, int rank, string name) = (site.Width, options.Rank, $"{site.Path}.{group}");
        var linear = Initializer.KaimingUniform(width);
        float[] r = options.Edit is ReftEdit.LoReft or ReftEdit.DiReft
            ? OrthonormalColumns.Random(width, rank, seed, $"{name}.{ReftLayout.Rotate}")
            : linear.Create([width, rank], seed, $"{name}.{ReftLayout.Rotate}").ToArray();
        return new ReftUpdate(site, adapter, group, options, r,
            linear.Create([rank, width], seed, $"{name}.{ReftLayout.Source}"), linear.Create([rank], seed, $"{name}.{ReftLayout.SourceBias}"));
    }
}

/// <summary>An edit of some tokens' vectors after one block.</summary>
public sealed class ReftUpdate : BlockUpdate
{
    private readonly ReftOptions _options;
    private readonly (int First, int Last) _tokens;
    private readonly OrthonormalColumns? _orthonormal;
    private readonly Parameter _rotate; // X where it is orthonormal, else Rᵀ
    private readonly Parameter _source;
    private readonly Parameter _sourceBias;

    /// <summary>Makes the part.</summary>
    /// <param name="site">Its place.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="group">The tokens it edits: <c>first</c>, <c>last</c>, or <c>all</c> for both.</param>
    /// <param name="options">The settings.</param>
    /// <param name="rotate">Rᵀ, [C, r], row by row; with more columns than r these say how the orthogonal basis goes on.</param>
    /// <param name="source">W, [r, C], long-lived.</param>
    /// <param name="sourceBias">b, [r], long-lived.</param>
    public ReftUpdate(BlockSite site, string adapter, string group, ReftOptions options, float[] rotate, Tensor source, Tensor sourceBias)
        : base(site, adapter)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(source);
        (_options, Group) = (options, group);
        _tokens = (group == ReftLayout.Last ? 0 : options.FirstTokens, group == ReftLayout.First ? 0 : options.LastTokens);
        (_source, _sourceBias) = (site.CreateUpdateWeight($"{group}.{ReftLayout.Source}", source), site.CreateUpdateWeight($"{group}.{ReftLayout.SourceBias}", sourceBias));
        Shape shape = [site.Width, source.Rows];
        Tensor value = Tensor.CreateLongLived(shape, DType.F32, source.Backend);
        _rotate = site.CreateUpdateWeight($"{group}.{ReftLayout.Rotate}", value);
        if (options.Edit is ReftEdit.LoReft or ReftEdit.DiReft)
        {
            value.Backend.Fill(value, 0f);
            _orthonormal = new OrthonormalColumns(rotate, site.Width, source.Rows, _rotate);
        }
        else
        {
            value.Backend.CopyFromHost(rotate, value);
        }

        Parameters = [_rotate, _source, _sourceBias];
    }

    /// <summary>The tokens it edits: <c>first</c>, <c>last</c>, or <c>all</c>.</summary>
    public string Group { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Rᵀ as it is now, [C, r].</summary>
    public Tensor Rotation() => _orthonormal?.Compute() ?? _rotate.Value;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor y, BlockPass pass)
    {
        ArgumentNullException.ThrowIfNull(y);
        int[] places = pass.Batch.GivenTokens(_tokens.First, _tokens.Last);
        if (places.Length == 0)
        {
            return y;
        }

        Tensor edited = Edit(Ops.Rows(y, places)); // [edited, C]
        int[] from = [.. Enumerable.Range(0, y.Rows)];
        for (int i = 0; i < places.Length; i++)
        {
            from[places[i]] = y.Rows + i;
        }

        return Ops.Rows(Ops.Concatenate(y, edited), from); // all others keep their bits
    }

    private Tensor Edit(Tensor h)
    {
        Tensor columns = Rotation();
        Tensor change = Ops.Linear(h, _source, _sourceBias.Value);                                  // Wh + b, [edited, r]
        change = _options.Activation == Activation.Identity ? change : Ops.Activate(change, _options.Activation);
        if (_options.Edit is ReftEdit.LoReft or ReftEdit.NoReft)
        {
            change = Ops.Add(change, Ops.Scale(Ops.Linear(h, columns, transposed: true), -1f));     // − Rh
        }

        return Ops.Dropout(Ops.Add(h, Ops.Linear(change, columns)), (float)_options.Dropout);       // h + Rᵀ(…)
    }
}

/// <summary>ReFT in a folder as PEFT's; PEFT itself does not know it. Tensors have pyreft's names, R as a plain matrix.</summary>
internal sealed class ReftLayout : PeftLayout
{
    public const string First = "first";
    public const string Last = "last";
    public const string Rotate = "rotate_layer.weight";
    public const string Source = "learned_source.weight";
    public const string SourceBias = "learned_source.bias";

    private const string Both = "all";

    /// <inheritdoc/>
    public override string PeftType => "REFT";

    /// <summary>The groups of tokens with weights of their own.</summary>
    public static string[] Groups(ReftOptions options) => options switch
    {
        { LastTokens: 0 } => [First],
        { FirstTokens: 0 } => [Last],
        { Tied: true } => [Both],
        _ => [First, Last],
    };

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        return new ReftOptions
        {
            Edit = Parse<ReftEdit>(settings, "intervention_type"),
            Activation = Parse<Activation>(settings, "act_fn"),
            Rank = settings.GetInt("low_rank_dimension"),
            FirstTokens = settings.GetInt("first_tokens"),
            LastTokens = settings.GetInt("last_tokens"),
            Tied = settings.GetBool("share_weights"),
            Dropout = settings.GetDouble("dropout"),
            Blocks = settings.GetInts("layers") ?? [],
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (ReftOptions)adapter.Options;
        foreach (string group in Groups(options))
        {
            foreach (string path in weights.PathsWith($"{group}.{Rotate}"))
            {
                var site = weights.ModuleAt<BlockSite>(path);
                float[] rotate = weights.Take(path, $"{group}.{Rotate}", [site.Width, options.Rank]).ToArray();
                adapter.Attach(new ReftUpdate(site, adapter.Name, group, options, rotate,
                    weights.Take(path, $"{group}.{Source}", [options.Rank, site.Width]), weights.Take(path, $"{group}.{SourceBias}", [options.Rank])));
            }
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Parameter Parameter, Tensor Value)> PartTensors(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        foreach (ReftUpdate part in adapter.Parts.OfType<ReftUpdate>())
        {
            foreach (Parameter weight in part.Parameters)
            {
                yield return (Prefix + weight.Name, weight, ReferenceEquals(weight, part.Parameters[0]) ? Plain(part) : weight.Value);
            }
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (ReftOptions)adapter.Options;
        return PeftSettings.Describe(adapter,
            ("intervention_type", options.Edit.ToString().ToLowerInvariant()), ("act_fn", options.Activation.ToString().ToLowerInvariant()),
            ("low_rank_dimension", options.Rank), ("first_tokens", options.FirstTokens), ("last_tokens", options.LastTokens),
            ("share_weights", options.Tied), ("dropout", options.Dropout), ("layers", options.Blocks.Count > 0 ? options.Blocks : null));
    }

    private static Tensor Plain(ReftUpdate part)
    {
        using Tape tape = Tape.Begin(record: false, backend: part.Parameters[0].Value.Backend);
        Tensor columns = part.Rotation();
        Tensor copy = Tensor.CreateLongLived(columns.Shape, DType.F32, columns.Backend);
        columns.Backend.Copy(columns, copy);
        return copy;
    }

    private static T Parse<T>(ModelConfig settings, string key)
        where T : struct, Enum
    {
        string name = settings.GetString(key);
        return Enum.TryParse(name, ignoreCase: true, out T value)
            ? value
            : throw settings.Error(key, $"is '{name}', expected {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}", "Correct the configuration");
    }
}
