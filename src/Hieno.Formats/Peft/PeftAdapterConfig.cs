using System.Text.Json;

namespace Hieno.Formats.Peft;

/// <summary>The <c>adapter_config.json</c> of an adapter folder in the layout of the PEFT library.</summary>
public sealed record PeftAdapterConfig
{
    /// <summary>File name of the configuration.</summary>
    public const string FileName = "adapter_config.json";

    /// <summary>File name of the weights beside it.</summary>
    public const string WeightsFileName = "adapter_model.safetensors";

    /// <summary>File name of the weights in older adapters, which PyTorch saved.</summary>
    public const string TorchWeightsFileName = "adapter_model.bin";

    private static readonly string[] CommonKeys =
        ["peft_type", "task_type", "base_model_name_or_path", "revision", "inference_mode", "auto_mapping", "peft_version"];

    /// <summary><c>peft_type</c>: the kind of adapter, in capitals. Default LORA.</summary>
    public string PeftType { get; init; } = "LORA";

    /// <summary><c>task_type</c>: CAUSAL_LM, SEQ_CLS, SEQ_2_SEQ_LM, TOKEN_CLS, QUESTION_ANS, FEATURE_EXTRACTION, or null.</summary>
    public string? TaskType { get; init; }

    /// <summary><c>base_model_name_or_path</c>: the model the adapter was trained on, or null.</summary>
    public string? BaseModel { get; init; }

    /// <summary><c>revision</c>: the version of that model, or null.</summary>
    public string? Revision { get; init; }

    /// <summary><c>inference_mode</c>: whether a loader leaves the adapter frozen. Default true, as PEFT saves it.</summary>
    public bool InferenceMode { get; init; } = true;

    /// <summary><c>peft_version</c>: the version that wrote the file, or null. Never written by Hieno itself.</summary>
    public string? PeftVersion { get; init; }

    /// <summary>The file it was read from; empty for one that was made in memory.</summary>
    public string Path => Settings?.Path ?? string.Empty;

    /// <summary>All keys of the file, read with checks and errors that name the file; null for a configuration that was made in memory.</summary>
    public ModelConfig? Settings { get; init; }

    /// <summary>The settings of a LoRA adapter; null where <see cref="PeftType"/> is another.</summary>
    public PeftLoRAConfig? LoRA { get; init; }

    /// <summary>All other keys: those of other kinds of adapter, <c>auto_mapping</c>, and unknown ones. They are written back.</summary>
    public IReadOnlyDictionary<string, JsonElement> Other { get; init; } = new Dictionary<string, JsonElement>(StringComparer.Ordinal);

    /// <summary>What the file asks for that is not known or not applied, one sentence each; for the run log.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads a configuration.</summary>
    /// <param name="path">The file, or the adapter's folder.</param>
    /// <exception cref="CheckpointException">The file is absent, not JSON, lacks <c>peft_type</c>, or has a value of the wrong type or range.</exception>
    public static PeftAdapterConfig Read(string path)
    {
        var file = ModelConfig.Read(Directory.Exists(path) ? System.IO.Path.Combine(path, FileName) : path);
        string type = file.GetString("peft_type");
        bool isLoRA = string.Equals(type, "LORA", StringComparison.Ordinal);

        var other = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
        var warnings = new List<string>();
        foreach (var property in file.Json.EnumerateObject())
        {
            bool typed = isLoRA && PeftLoRAConfig.KnownKeys.Contains(property.Name);
            if (!typed && (!CommonKeys.Contains(property.Name, StringComparer.Ordinal) || property.NameEquals("auto_mapping")))
            {
                other.Add(property.Name, property.Value);
                if (isLoRA && WarningFor(property) is { } warning)
                {
                    warnings.Add($"{file.Path}: {warning}");
                }
            }
        }

        return new PeftAdapterConfig
        {
            PeftType = type,
            TaskType = file.GetString("task_type", fallback: null),
            BaseModel = file.GetString("base_model_name_or_path", fallback: null),
            Revision = file.GetString("revision", fallback: null),
            InferenceMode = file.GetBool("inference_mode", false),
            PeftVersion = file.GetString("peft_version", fallback: null),
            Settings = file,
            LoRA = isLoRA ? PeftLoRAConfig.From(file) : null,
            Other = other,
            Warnings = warnings,
        };
    }

    /// <summary>Writes or replaces the configuration: keys sorted, indented by two spaces, as PEFT does.</summary>
    /// <param name="path">The file, or the adapter's folder.</param>
    /// <exception cref="InvalidOperationException"><see cref="LoRA"/> is given for another <see cref="PeftType"/>, or missing for LORA.</exception>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void Write(string path)
    {
        if (string.Equals(PeftType, "LORA", StringComparison.Ordinal) != LoRA is not null)
        {
            throw new InvalidOperationException($"An adapter of type {PeftType} {(LoRA is null ? "needs" : "has no")} LoRA settings.");
        }

        var fields = new SortedDictionary<string, Action<Utf8JsonWriter>>(StringComparer.Ordinal)
        {
            ["auto_mapping"] = json => json.WriteNullValue(),
            ["base_model_name_or_path"] = json => json.WriteStringValue(BaseModel),
            ["inference_mode"] = json => json.WriteBooleanValue(InferenceMode),
            ["peft_type"] = json => json.WriteStringValue(PeftType),
            ["revision"] = json => json.WriteStringValue(Revision),
            ["task_type"] = json => json.WriteStringValue(TaskType),
        };
        if (PeftVersion is not null)
        {
            fields["peft_version"] = json => json.WriteStringValue(PeftVersion);
        }

        LoRA?.AddTo(fields);
        foreach (var (key, value) in Other)
        {
            fields[key] = value.WriteTo;
        }

        CheckpointJson.Write(Directory.Exists(path) ? System.IO.Path.Combine(path, FileName) : path, json =>
        {
            json.WriteStartObject();
            foreach (var (key, write) in fields)
            {
                json.WritePropertyName(key);
                write(json);
            }

            json.WriteEndObject();
        });
    }

    private static string? WarningFor(JsonProperty property)
    {
        if (property.NameEquals("auto_mapping") || property.NameEquals("trainable_token_indices") || property.Value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (!PeftLoRAConfig.HarmlessValues.TryGetValue(property.Name, out string? harmless))
        {
            return $"the key '{property.Name}' is not known; it is kept, but changes nothing here.";
        }

        return string.Equals(property.Value.GetRawText(), harmless, StringComparison.Ordinal)
            ? null
            : $"'{property.Name}' is set, but not applied; the adapter may behave differently than in PEFT.";
    }
}
