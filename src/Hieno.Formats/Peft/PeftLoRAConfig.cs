using System.Globalization;
using System.Text.Json;

namespace Hieno.Formats.Peft;

/// <summary>The LoRA part of an <c>adapter_config.json</c>; the key is named with each property.</summary>
public sealed record PeftLoRAConfig
{
    /// <summary><c>r</c>: rank of the update. Default 8.</summary>
    public int Rank { get; init; } = 8;

    /// <summary><c>lora_alpha</c>: numerator of the scale. Default 8.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary><c>lora_dropout</c>: chance to drop an input of A in training, 0 to 1. Default 0.</summary>
    public double Dropout { get; init; }

    /// <summary><c>target_modules</c>: the layers that carry an update; null for the model's default.</summary>
    public PeftModules? TargetModules { get; init; }

    /// <summary><c>exclude_modules</c>: layers left out of the targets, or null.</summary>
    public PeftModules? ExcludeModules { get; init; }

    /// <summary><c>fan_in_fan_out</c>: whether the frozen weight is stored transposed, as in GPT-2. Default false.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary><c>bias</c>: which biases are trained and saved: none, all or lora_only. Default none.</summary>
    public string Bias { get; init; } = "none";

    /// <summary><c>use_rslora</c>: whether the scale is alpha / √r instead of alpha / r. Default false.</summary>
    public bool UseRsLoRA { get; init; }

    /// <summary><c>use_dora</c>: whether direction and magnitude are split. Default false.</summary>
    public bool UseDoRA { get; init; }

    /// <summary><c>lora_bias</c>: whether B has a bias of its own. Default false.</summary>
    public bool LoRABias { get; init; }

    /// <summary><c>modules_to_save</c>: modules trained and stored whole, such as a new head, or null.</summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary><c>init_lora_weights</c>: true, false, or a name such as gaussian, pissa or olora. Default true.</summary>
    public string Initialization { get; init; } = "true";

    /// <summary><c>layers_to_transform</c>: numbers of the layers that carry updates, or null for all.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary><c>layers_pattern</c>: names of the lists of layers that <see cref="LayersToTransform"/> counts in, or null.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    /// <summary><c>rank_pattern</c>: ranks of single layers, by regular expression of their path's end.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary><c>alpha_pattern</c>: alphas of single layers, by regular expression of their path's end.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>The rank of the layer at this path, after <see cref="RankPattern"/>.</summary>
    public int RankOf(string path) => PeftModules.Lookup(RankPattern, path, Rank);

    /// <summary>The scale of the layer at this path: alpha / r, or alpha / √r with rsLoRA.</summary>
    public double ScaleOf(string path)
    {
        double alpha = PeftModules.Lookup(AlphaPattern, path, Alpha);
        int rank = RankOf(path);
        return alpha / (UseRsLoRA ? Math.Sqrt(rank) : rank);
    }

    internal static readonly IReadOnlySet<string> KnownKeys = new HashSet<string>(StringComparer.Ordinal)
    {
        "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "fan_in_fan_out", "bias", "use_rslora", "use_dora", "lora_bias",
        "modules_to_save", "init_lora_weights", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern",
    };

    // Keys that change nothing while they have the value given here (as JSON), or null.
    internal static readonly IReadOnlyDictionary<string, string> HarmlessValues = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["megatron_config"] = "null", ["megatron_core"] = "\"megatron.core\"", ["loftq_config"] = "{}", ["layer_replication"] = "null",
        ["target_parameters"] = "null", ["eva_config"] = "null", ["corda_config"] = "null",
        ["lora_ga_config"] = "null", ["velora_config"] = "null", ["monteclora_config"] = "null", ["alora_invocation_tokens"] = "null",
        ["use_qalora"] = "false", ["qalora_group_size"] = "16", ["use_bdlora"] = "null", ["arrow_config"] = "null", ["kasa_config"] = "null",
        ["runtime_config"] = "null", ["ensure_weight_tying"] = "false",
    };

    internal static PeftLoRAConfig From(ModelConfig file)
    {
        var lora = new PeftLoRAConfig
        {
            Rank = file.GetInt("r", 8),
            Alpha = file.GetDouble("lora_alpha", 8),
            Dropout = file.GetDouble("lora_dropout", 0),
            TargetModules = Modules(file, "target_modules"),
            ExcludeModules = Modules(file, "exclude_modules"),
            FanInFanOut = file.GetBool("fan_in_fan_out", false),
            Bias = file.GetString("bias", "none")!,
            UseRsLoRA = file.GetBool("use_rslora", false),
            UseDoRA = file.GetBool("use_dora", false),
            LoRABias = file.GetBool("lora_bias", false),
            ModulesToSave = file.GetStrings("modules_to_save"),
            Initialization = InitializationOf(file),
            LayersToTransform = IsKind(file, "layers_to_transform", JsonValueKind.Number) ? [file.GetInt("layers_to_transform")] : file.GetInts("layers_to_transform"),
            LayersPattern = IsKind(file, "layers_pattern", JsonValueKind.String) ? [file.GetString("layers_pattern")] : file.GetStrings("layers_pattern"),
            RankPattern = Pattern(file, "rank_pattern", (section, key) => section.GetInt(key)),
            AlphaPattern = Pattern(file, "alpha_pattern", (section, key) => section.GetDouble(key)),
        };
        CheckRanges(file, lora);
        return lora;
    }

    internal void AddTo(SortedDictionary<string, Action<Utf8JsonWriter>> fields)
    {
        fields["r"] = json => json.WriteNumberValue(Rank);
        fields["lora_alpha"] = json => json.WriteNumberValue(Alpha);
        fields["lora_dropout"] = json => json.WriteRawValue(Dropout.ToString("0.0################", CultureInfo.InvariantCulture));
        fields["target_modules"] = json => WriteModules(json, TargetModules);
        fields["fan_in_fan_out"] = json => json.WriteBooleanValue(FanInFanOut);
        fields["bias"] = json => json.WriteStringValue(Bias);
        fields["use_rslora"] = json => json.WriteBooleanValue(UseRsLoRA);
        fields["use_dora"] = json => json.WriteBooleanValue(UseDoRA);
        fields["modules_to_save"] = json => WriteStrings(json, ModulesToSave);
        fields["init_lora_weights"] = WriteInitialization;
        fields["layers_to_transform"] = WriteLayers;
        fields["layers_pattern"] = json => WriteOneOrMore(json, LayersPattern);
        fields["rank_pattern"] = json => WritePattern(json, RankPattern, rank => json.WriteNumberValue(rank));
        fields["alpha_pattern"] = json => WritePattern(json, AlphaPattern, alpha => json.WriteNumberValue(alpha));
        foreach (string key in new[] { "layer_replication", "loftq_config", "megatron_config", "megatron_core" })
        {
            fields[key] = json => json.WriteRawValue(HarmlessValues[key]);
        }

        // Older versions of peft refuse keys they do not know, so the younger keys are written only where they say something.
        if (ExcludeModules is not null)
        {
            fields["exclude_modules"] = json => WriteModules(json, ExcludeModules);
        }

        if (LoRABias)
        {
            fields["lora_bias"] = json => json.WriteBooleanValue(true);
        }
    }

    private static void CheckRanges(ModelConfig file, PeftLoRAConfig lora)
    {
        const string Advice = "Correct the configuration, or make the adapter again";
        if (lora.Rank < 1 || lora.RankPattern.Values.Any(rank => rank < 1))
        {
            throw file.Error(lora.Rank < 1 ? "r" : "rank_pattern", "holds a rank below 1", Advice);
        }

        if (lora.Dropout is < 0 or >= 1)
        {
            throw file.Error("lora_dropout", $"is {lora.Dropout.ToString(CultureInfo.InvariantCulture)}, expected 0 or more and less than 1", Advice);
        }

        if (lora.Bias is not ("none" or "all" or "lora_only"))
        {
            throw file.Error("bias", $"is '{lora.Bias}', expected none, all or lora_only", Advice);
        }
    }

    private static bool IsKind(ModelConfig file, string key, JsonValueKind kind) =>
        file.Json.TryGetProperty(key, out var value) && value.ValueKind == kind;

    private static string InitializationOf(ModelConfig file) =>
        IsKind(file, "init_lora_weights", JsonValueKind.String)
            ? file.GetString("init_lora_weights")
            : file.GetBool("init_lora_weights", true) ? "true" : "false";

    private static PeftModules? Modules(ModelConfig file, string key)
    {
        if (!IsKind(file, key, JsonValueKind.String))
        {
            return file.GetStrings(key) is { } names ? PeftModules.EndingWith(names) : null;
        }

        try
        {
            return PeftModules.Matching(file.GetString(key));
        }
        catch (ArgumentException e)
        {
            throw file.Error(key, $"is not a valid regular expression ({e.Message.TrimEnd('.')})", "Correct it, or give a list of names");
        }
    }

    private static Dictionary<string, T> Pattern<T>(ModelConfig file, string key, Func<ModelConfig, string, T> read)
    {
        var values = new Dictionary<string, T>(StringComparer.Ordinal);
        if (file.GetSection(key) is { } section)
        {
            foreach (var property in section.Json.EnumerateObject())
            {
                values.Add(property.Name, read(section, property.Name));
                try
                {
                    PeftModules.Matching(property.Name);
                }
                catch (ArgumentException e)
                {
                    throw file.Error(key, $"has a key that is not a valid regular expression ({e.Message.TrimEnd('.')})", "Correct it");
                }
            }
        }

        return values;
    }

    private static void WriteStrings(Utf8JsonWriter json, IReadOnlyList<string>? values)
    {
        if (values is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteOneOrMore(Utf8JsonWriter json, IReadOnlyList<string>? values)
    {
        if (values is [string single])
        {
            json.WriteStringValue(single);
        }
        else
        {
            WriteStrings(json, values);
        }
    }

    private static void WriteModules(Utf8JsonWriter json, PeftModules? modules)
    {
        if (modules?.Pattern is { } pattern)
        {
            json.WriteStringValue(pattern);
        }
        else
        {
            WriteStrings(json, modules?.Names);
        }
    }

    private void WriteInitialization(Utf8JsonWriter json)
    {
        if (bool.TryParse(Initialization, out bool flag))
        {
            json.WriteBooleanValue(flag);
        }
        else
        {
            json.WriteStringValue(Initialization);
        }
    }

    private void WriteLayers(Utf8JsonWriter json)
    {
        if (LayersToTransform is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (int layer in LayersToTransform)
        {
            json.WriteNumberValue(layer);
        }

        json.WriteEndArray();
    }

    private static void WritePattern<T>(Utf8JsonWriter json, IReadOnlyDictionary<string, T> values, Action<T> write)
    {
        json.WriteStartObject();
        foreach (var (key, value) in values)
        {
            json.WritePropertyName(key);
            write(value);
        }

        json.WriteEndObject();
    }
}
