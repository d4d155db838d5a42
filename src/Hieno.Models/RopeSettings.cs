using System.Globalization;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>
/// How a model's rotary positions turn, as its <c>config.json</c> says: in <c>rope_theta</c> and <c>rope_scaling</c>, or in the newer
/// <c>rope_parameters</c>, which holds both.
/// </summary>
public sealed record RopeSettings
{
    private static readonly string[] s_kinds = ["default", "linear", "dynamic", "llama3", "yarn", "longrope"];

    private readonly Func<int, double[]> _frequencies;

    private RopeSettings(string kind, int width, int maxPositions, Func<int, double[]> frequencies)
    {
        (Kind, Width, MaxPositions, _frequencies) = (kind, width, maxPositions, frequencies);
    }

    /// <summary>The scheme: <c>default</c>, <c>linear</c>, <c>dynamic</c>, <c>llama3</c>, <c>yarn</c> or <c>longrope</c>.</summary>
    public string Kind { get; }

    /// <summary>Rotated lanes of each head; fewer than it has under <c>partial_rotary_factor</c>.</summary>
    public int Width { get; }

    /// <summary>The longest row that the scheme is meant for, in tokens.</summary>
    public int MaxPositions { get; }

    /// <summary>Multiplies cosines and sines; 1 except under YaRN and LongRoPE.</summary>
    public double AttentionFactor { get; private init; } = 1;

    /// <summary>Rows up to this long have the same frequencies; <see cref="int.MaxValue"/> where length changes nothing.</summary>
    private int CommonLength { get; init; } = int.MaxValue;

    /// <summary>True when rows beyond <see cref="CommonLength"/> all have the same frequencies too; false when each length has its own.</summary>
    private bool LongRowsAgree { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="headWidth">Lanes of a head.</param>
    /// <param name="positions"><c>max_position_embeddings</c>.</param>
    /// <param name="keys">Under which keys the family states them, and what it takes for absent ones; the usual ones when null.</param>
    /// <exception cref="CheckpointException">A key is missing or out of range, or the scheme is not known; the message lists those that are.</exception>
    public static RopeSettings Read(ModelConfig config, int headWidth, int positions, RopeKeys? keys = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        keys ??= new RopeKeys();
        ModelConfig? section = config.GetSection("rope_parameters") ?? config.GetSection("rope_scaling");
        section = keys.LayerKind is { } layers && section?.Has(layers) == true ? section.GetSection(layers) : section;
        ThrowIfPerLayer(config, section);
        ModelConfig At(string key) => section?.Has(key) == true ? section : config;

        double theta = section?.Has("rope_theta") == true ? Positive(section, "rope_theta") : config.Has(keys.Theta) ? Positive(config, keys.Theta) : keys.DefaultTheta;
        int width = section?.Has("partial_rotary_factor") == true
            ? RotatedWidth(section, "partial_rotary_factor", headWidth, keys.DefaultPart)
            : RotatedWidth(config, keys.Part, headWidth, keys.DefaultPart);
        string typeKey = section?.Has("rope_type") == true ? "rope_type" : "type";
        string kind = section?.GetString(typeKey, null) ?? "default";
        return kind switch
        {
            "default" => new RopeSettings(kind, width, positions, _ => RopeFrequencies.Default(theta, width)),
            "linear" => Linear(section!, theta, width, positions),
            "dynamic" => Dynamic(section!, theta, width, positions),
            "llama3" => Llama3(section!, theta, width, positions),
            "yarn" => Yarn(section!, theta, width, positions),
            "longrope" or "su" => LongRope(section!, At("original_max_position_embeddings"), theta, width, positions), // "su": its name in the first Phi-3 files
            _ => throw section!.Error(typeKey, $"is '{kind}', which is not a known way to scale rotary positions. Known are {string.Join(", ", s_kinds)}", "Use a model with one of these"),
        };
    }

    /// <summary>Positions that turn as in the paper, without scaling.</summary>
    /// <param name="theta">The base.</param>
    /// <param name="width">Rotated lanes of each head.</param>
    /// <param name="positions">The longest row, in tokens.</param>
    public static RopeSettings Plain(double theta, int width, int positions) =>
        new("default", width, positions, _ => RopeFrequencies.Default(theta, width));

    /// <summary>Radians that one position adds to each pair of lanes.</summary>
    /// <param name="length">Tokens of the longest row of the batch; only <c>dynamic</c> and <c>longrope</c> depend on it.</param>
    public double[] Frequencies(int length) => _frequencies(length);

    /// <summary>Tables of cosines and sines, made when they are first needed.</summary>
    /// <param name="backend">Where they lie; the default backend when null.</param>
    public RopeTables CreateTables(Backend? backend = null) => new(this, backend);

    /// <summary>The smallest length with the same frequencies: what tables are told apart by.</summary>
    internal int LengthClass(int length) => length <= CommonLength ? 0 : LongRowsAgree ? CommonLength + 1 : length;

    private static RopeSettings Linear(ModelConfig section, double theta, int width, int positions)
    {
        double factor = Positive(section, "factor");
        return new RopeSettings("linear", width, Stretch(positions, factor), _ => RopeFrequencies.Linear(theta, width, factor));
    }

    private static RopeSettings Dynamic(ModelConfig section, double theta, int width, int positions)
    {
        double factor = Positive(section, "factor");
        if (width <= 2)
        {
            throw section.Error("rope_type", $"is 'dynamic', which needs more than {width} rotated lanes", "Use the configuration that came with the weights");
        }

        return new RopeSettings("dynamic", width, Stretch(positions, factor), length => RopeFrequencies.Dynamic(theta, width, factor, positions, length))
        {
            CommonLength = positions,
        };
    }

    private static RopeSettings Llama3(ModelConfig section, double theta, int width, int positions)
    {
        double factor = Positive(section, "factor");
        double low = Positive(section, "low_freq_factor");
        double high = Positive(section, "high_freq_factor");
        int trained = PositiveInt(section, "original_max_position_embeddings");
        if (high <= low)
        {
            throw section.Error("high_freq_factor", $"is {Text(high)}, not above low_freq_factor ({Text(low)})", "Use the configuration that came with the weights");
        }

        return new RopeSettings("llama3", width, positions, _ => RopeFrequencies.Llama3(theta, width, factor, low, high, trained));
    }

    // A stated factor counts; without one, it is how many times longer texts may be than those the model was trained on.
    private static RopeSettings Yarn(ModelConfig section, double theta, int width, int positions)
    {
        const string TrainedKey = "original_max_position_embeddings";
        int trained = section.Has(TrainedKey) ? PositiveInt(section, TrainedKey) : positions;
        double factor = section.Has("factor") || trained == positions ? Positive(section, "factor") : (double)positions / trained;
        double fast = section.Has("beta_fast") ? Positive(section, "beta_fast") : 32;
        double slow = section.Has("beta_slow") ? Positive(section, "beta_slow") : 1;
        bool truncate = section.GetBool("truncate", true);
        double attention = section.Has("attention_factor")
            ? Positive(section, "attention_factor")
            : RopeFrequencies.YarnAttentionFactor(factor, Optional(section, "mscale"), Optional(section, "mscale_all_dim"));
        return new RopeSettings(
            "yarn", width, Math.Max(positions, Stretch(trained, factor)), _ => RopeFrequencies.Yarn(theta, width, factor, trained, fast, slow, truncate))
        {
            AttentionFactor = attention,
        };
    }

    private static RopeSettings LongRope(ModelConfig section, ModelConfig trainedAt, double theta, int width, int positions)
    {
        const string TrainedKey = "original_max_position_embeddings";
        double[] shortFactors = Factors(section, "short_factor", width);
        double[] longFactors = Factors(section, "long_factor", width);

        // Where the trained length is not stated, the configuration's length is it, and the factor says how much longer texts may be.
        int trained = trainedAt.Has(TrainedKey) ? PositiveInt(trainedAt, TrainedKey) : positions;
        int longest = trainedAt.Has(TrainedKey) ? positions : Stretch(positions, section.Has("factor") ? Positive(section, "factor") : 1);
        if (trained < 2)
        {
            throw trainedAt.Error(TrainedKey, $"is {trained}, expected 2 or more", "Use the configuration that came with the weights");
        }

        return new RopeSettings("longrope", width, longest, length => RopeFrequencies.LongRope(theta, length > trained ? longFactors : shortFactors))
        {
            AttentionFactor = section.Has("attention_factor") ? Positive(section, "attention_factor") : RopeFrequencies.LongRopeAttentionFactor(longest, trained),
            CommonLength = trained,
            LongRowsAgree = true,
        };
    }

    // Some families state one object for each kind of layer; taking the defaults instead would be wrong without a word.
    private static void ThrowIfPerLayer(ModelConfig config, ModelConfig? section)
    {
        string? name = section?.Json.EnumerateObject().Where(entry => entry.Value.ValueKind == JsonValueKind.Object).Select(entry => entry.Name).FirstOrDefault();
        if (name is not null)
        {
            string key = config.Has("rope_parameters") ? "rope_parameters" : "rope_scaling";
            throw config.Error(key, $"holds an object '{name}', expected one setting for all layers", "Use a model whose layers rotate alike");
        }
    }

    private static int RotatedWidth(ModelConfig at, string key, int headWidth, double fallback)
    {
        double part = at.GetDouble(key, fallback);
        int width = part is > 0 and <= 1 ? (int)(headWidth * part) : 0;
        return width >= 2 && width % 2 == 0
            ? width
            : throw at.Error(key, $"is {Text(part)}, which does not leave an even number of the {headWidth} lanes of a head", "Use the configuration that came with the weights");
    }

    private static double[] Factors(ModelConfig section, string key, int width)
    {
        IReadOnlyList<double> factors = section.GetDoubles(key) ?? [];
        return factors.Count == width / 2 && factors.All(factor => factor > 0)
            ? [.. factors]
            : throw section.Error(key, $"has {factors.Count} numbers, expected {width / 2} positive ones, one for each pair of rotated lanes", "Use the configuration that came with the weights");
    }

    private static double Positive(ModelConfig config, string key)
    {
        double value = config.GetDouble(key);
        return value > 0 ? value : throw config.Error(key, $"is {Text(value)}, expected a number above 0", "Use the configuration that came with the weights");
    }

    private static int PositiveInt(ModelConfig config, string key)
    {
        int value = config.GetInt(key);
        return value > 0 ? value : throw config.Error(key, $"is {value}, expected a number above 0", "Use the configuration that came with the weights");
    }

    private static double? Optional(ModelConfig config, string key) => config.Has(key) ? config.GetDouble(key) : null;

    private static int Stretch(int positions, double factor) => (int)Math.Min(int.MaxValue, positions * Math.Max(factor, 1));

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Under which keys a family's configurations state rotary positions, and what it takes for absent ones. The newer <c>rope_parameters</c> says the same for all.</summary>
public sealed record RopeKeys
{
    /// <summary>The base. Default <c>rope_theta</c>.</summary>
    public string Theta { get; init; } = "rope_theta";

    /// <summary>What an absent base means. Default 10,000.</summary>
    public double DefaultTheta { get; init; } = 10_000;

    /// <summary>The part of each head that is rotated. Default <c>partial_rotary_factor</c>.</summary>
    public string Part { get; init; } = "partial_rotary_factor";

    /// <summary>What an absent part means. Default 1, the whole head.</summary>
    public double DefaultPart { get; init; } = 1;

    /// <summary>The kind of layer, where <c>rope_parameters</c> may hold an object for each, e.g. <c>full_attention</c>. Default: null, all layers rotate alike.</summary>
    public string? LayerKind { get; init; }
}

/// <summary>The cosines and sines of a model: one table for all batches, or one for each length where the scheme depends on it.</summary>
/// <param name="settings">How the positions turn.</param>
/// <param name="backend">Where the tables lie; the default backend when null.</param>
public sealed class RopeTables(RopeSettings settings, Backend? backend = null)
{
    // Of the tables for longer rows only the last is kept: lengths beyond the trained one come and go.
    private volatile Entry? _common;
    private volatile Entry? _long;

    /// <summary>The table for a batch.</summary>
    public RopeTable For(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int lengthClass = settings.LengthClass(batch.Reach);
        if (lengthClass == 0)
        {
            return (_common ??= Create(lengthClass, batch.Reach)).Table;
        }

        Entry? known = _long;
        if (known?.LengthClass != lengthClass)
        {
            _long = known = Create(lengthClass, batch.Reach);
        }

        return known.Table;
    }

    /// <summary>True where a batch is rotated as all others are, its longest row being within the common length.</summary>
    public bool IsCommon(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return settings.LengthClass(batch.Reach) == 0;
    }

    private Entry Create(int lengthClass, int length) => new(lengthClass, new RopeTable(settings.Frequencies(length), settings.AttentionFactor, backend));

    private sealed record Entry(int LengthClass, RopeTable Table);
}
