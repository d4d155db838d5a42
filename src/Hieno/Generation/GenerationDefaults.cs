using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Hieno.Formats;

namespace Hieno.Generation;

/// <summary>What a model's folder says about generating: the tokens that end a text, and the settings its makers advise.</summary>
public sealed record GenerationDefaults
{
    private const string FileName = "generation_config.json";

    /// <summary>Tokens that end a text; empty where the folder names none.</summary>
    public IReadOnlyList<int> EosTokens { get; init; } = [];

    /// <summary>The token that begins a text, or null. An empty prompt starts from it.</summary>
    public int? BosToken { get; init; }

    /// <summary>Tokens that are never generated.</summary>
    public IReadOnlyList<int> SuppressedTokens { get; init; } = [];

    /// <summary>The settings of generation_config.json; what it leaves out is null.</summary>
    public GenerationOptions Options { get; init; } = new();

    /// <summary>Reads a model's folder: generation_config.json where there is one, and config.json for tokens it does not name.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <returns>
    /// What was found. <c>do_sample: false</c> is a temperature of 0; <c>max_length</c> is not used, as it counts the prompt.
    /// </returns>
    /// <exception cref="CheckpointException">A file is malformed, or a value cannot be used; the message names file and key.</exception>
    public static GenerationDefaults Read(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string path = Path.Combine(folder, FileName);
        ModelConfig? generation = File.Exists(path) ? ModelConfig.Read(path) : null;
        string modelPath = Path.Combine(folder, ModelConfig.FileName);
        ModelConfig? model = File.Exists(modelPath) ? ModelConfig.Read(modelPath) : null;
        return new GenerationDefaults
        {
            EosTokens = Tokens(generation, "eos_token_id") ?? Tokens(model, "eos_token_id") ?? [],
            BosToken = (Tokens(generation, "bos_token_id") ?? Tokens(model, "bos_token_id"))?.Select(id => (int?)id).FirstOrDefault(),
            SuppressedTokens = Tokens(generation, "suppress_tokens") ?? [],
            Options = generation is null ? new GenerationOptions() : ReadOptions(generation),
        };
    }

    /// <summary>The settings to use: those of <paramref name="options"/>, where null those of the model, where null the defaults.</summary>
    internal GenerationOptions Complete(GenerationOptions options) => options with
    {
        MaxNewTokens = options.MaxNewTokens ?? Options.MaxNewTokens ?? 256,
        MinNewTokens = options.MinNewTokens ?? Options.MinNewTokens ?? 0,
        Temperature = options.Temperature ?? Options.Temperature ?? 1f,
        TopK = options.TopK ?? Options.TopK ?? 0,
        TopP = options.TopP ?? Options.TopP ?? 1f,
        MinP = options.MinP ?? Options.MinP ?? 0f,
        RepetitionPenalty = options.RepetitionPenalty ?? Options.RepetitionPenalty ?? 1f,
        NoRepeatNgramSize = options.NoRepeatNgramSize ?? Options.NoRepeatNgramSize ?? 0,
    };

    private static GenerationOptions ReadOptions(ModelConfig config) => new()
    {
        MaxNewTokens = Int(config, "max_new_tokens", nameof(GenerationOptions.MaxNewTokens)),
        MinNewTokens = Int(config, "min_new_tokens", nameof(GenerationOptions.MinNewTokens)),
        Temperature = config.GetBool("do_sample", true) ? Float(config, "temperature", nameof(GenerationOptions.Temperature)) : 0f,
        TopK = Int(config, "top_k", nameof(GenerationOptions.TopK)),
        TopP = Float(config, "top_p", nameof(GenerationOptions.TopP)),
        MinP = Float(config, "min_p", nameof(GenerationOptions.MinP)),
        RepetitionPenalty = Float(config, "repetition_penalty", nameof(GenerationOptions.RepetitionPenalty)),
        NoRepeatNgramSize = Int(config, "no_repeat_ngram_size", nameof(GenerationOptions.NoRepeatNgramSize)),
    };

    private static int? Int(ModelConfig config, string key, string setting) =>
        config.Has(key) ? Checked(config, key, setting, config.GetInt(key)) : null;

    private static float? Float(ModelConfig config, string key, string setting) =>
        config.Has(key) ? Checked(config, key, setting, (float)config.GetDouble(key)) : null;

    // The range of a setting is written once, at the setting.
    private static T Checked<T>(ModelConfig config, string key, string setting, T value)
        where T : struct
    {
        var range = (RangeAttribute)Attribute.GetCustomAttribute(typeof(GenerationOptions).GetProperty(setting)!, typeof(RangeAttribute))!;
        return range.IsValid(value)
            ? value
            : throw config.Error(key, $"is {value}, outside {range.Minimum} to {range.Maximum}", "Correct the file, or remove the key");
    }

    // One id or a list of them.
    private static IReadOnlyList<int>? Tokens(ModelConfig? config, string key)
    {
        if (config is null || !config.Has(key))
        {
            return null;
        }

        bool isList = config.Json.GetProperty(key).ValueKind == JsonValueKind.Array;
        IReadOnlyList<int> ids = isList ? config.GetInts(key)! : [config.GetInt(key)];
        return ids.All(id => id >= 0)
            ? ids
            : throw config.Error(key, $"is {string.Join(", ", ids)}, but token ids start at 0", "Correct the file, or remove the key");
    }
}
