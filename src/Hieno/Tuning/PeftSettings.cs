using System.Text.Json;
using System.Text.RegularExpressions;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models.Layers;

namespace Hieno.Tuning;

/// <summary>The keys of <c>adapter_config.json</c> that methods at linear layers have in common.</summary>
internal static class PeftSettings
{
    /// <summary><c>target_modules</c> as the settings of a method name them; empty for a regular expression, which the file's tensors answer.</summary>
    public static IReadOnlyList<string> Targets(PeftAdapterConfig config)
    {
        JsonElement value = config.Settings!.Json.TryGetProperty("target_modules", out JsonElement found) ? found : default;
        return value.ValueKind == JsonValueKind.String
            ? value.GetString() == LayerTargets.AllLinear ? [LayerTargets.AllLinear] : []
            : config.Settings.GetStrings("target_modules") ?? [];
    }

    /// <summary><c>modules_to_save</c>.</summary>
    public static IReadOnlyList<string> ModulesToSave(PeftAdapterConfig config) => config.Settings!.GetStrings("modules_to_save") ?? [];

    /// <summary>The value of a number for one layer: that of a pattern which matches its path, or the general one.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="patterns">The key of the patterns, e.g. <c>alpha_pattern</c>.</param>
    /// <param name="path">The layer's path.</param>
    /// <param name="general">The general value.</param>
    public static double Of(PeftAdapterConfig config, string patterns, string path, double general)
    {
        if (config.Settings!.GetSection(patterns) is not { } section)
        {
            return general;
        }

        foreach (JsonProperty pattern in section.Json.EnumerateObject())
        {
            if (Matches(config, pattern.Name, path))
            {
                return section.GetDouble(pattern.Name);
            }
        }

        return general;
    }

    /// <summary>Refuses an adapter that would be computed wrongly.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="unsupported">True to refuse.</param>
    /// <param name="fact">What the adapter asks for.</param>
    /// <exception cref="CheckpointException"><paramref name="unsupported"/>.</exception>
    public static void ThrowIf(PeftAdapterConfig config, bool unsupported, string fact)
    {
        if (unsupported)
        {
            throw new CheckpointException(ErrorCodes.AdapterUnsupported, config.Path, fact, "Give a model that the adapter was merged into");
        }
    }

    /// <summary>A configuration with the common keys and those of a method.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="fields">The method's own keys with their values.</param>
    public static PeftAdapterConfig Describe(Adapter adapter, params (string Key, object? Value)[] fields)
    {
        var other = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["modules_to_save"] = Json(adapter.Modules.Count > 0 ? adapter.Modules : null),
        };
        if (adapter.Options is LayerAdapterOptions options)
        {
            other["target_modules"] = Json(LayerTargets.NamesOf(adapter, options.Targets));
        }

        foreach ((string key, object? value) in fields)
        {
            other[key] = Json(value);
        }

        return new PeftAdapterConfig { Other = other };
    }

    /// <summary>The keys that choose blocks, which our settings do not have.</summary>
    public static (string Key, object? Value)[] AllLayers => [("layers_pattern", null), ("layers_to_transform", null)];

    /// <summary>The value of <c>rank_pattern</c> and <c>alpha_pattern</c>: all layers alike.</summary>
    public static IReadOnlyDictionary<string, int> NoPattern { get; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary><c>fan_in_fan_out</c>: whether the layers store their weights as [in, out].</summary>
    public static (string Key, object? Value) FanInFanOut(Adapter adapter) =>
        ("fan_in_fan_out", adapter.Parts.OfType<LinearUpdate>().Any(part => part.Layer.Transposed));

    private static bool Matches(PeftAdapterConfig config, string pattern, string path)
    {
        try
        {
            return PeftModules.Matching($@"(?:.*\.)?(?:{pattern})").Matches(path);
        }
        catch (Exception error) when (error is ArgumentException or RegexMatchTimeoutException)
        {
            throw new CheckpointException(ErrorCodes.AdapterUnsupported, config.Path, $"'{pattern}' cannot be used as a pattern of layers' names: {error.Message}", "Correct the pattern");
        }
    }

    private static JsonElement Json(object? value) => JsonSerializer.SerializeToElement(value);
}
