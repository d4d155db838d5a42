using System.Text.Json;

namespace Hieno.Formats;

/// <summary>A model's <c>config.json</c>, or another JSON object beside the weights, with getters whose errors name file and key.</summary>
/// <remarks>A key whose value is null counts as missing, as in the configurations of the usual libraries.</remarks>
public sealed class ModelConfig
{
    /// <summary>The usual file name.</summary>
    public const string FileName = "config.json";

    private readonly string _section; // keys above this object, e.g. "text_config."; empty for the file itself

    private ModelConfig(JsonElement json, string path, string section)
    {
        (Json, Path, _section) = (json, path, section);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The object itself.</summary>
    public JsonElement Json { get; }

    /// <summary>The key <c>model_type</c>, which names the model family.</summary>
    /// <exception cref="CheckpointException">It is missing or no string.</exception>
    public string ModelType => GetString("model_type");

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, or the folder that holds a <c>config.json</c>.</param>
    /// <exception cref="CheckpointException">The file is absent, unreadable, or not one JSON object without duplicate keys.</exception>
    public static ModelConfig Read(string path)
    {
        string file = Directory.Exists(path) ? System.IO.Path.Combine(path, FileName) : path;
        using var document = CheckpointJson.ReadObject(file);
        return new ModelConfig(document.RootElement.Clone(), file, string.Empty);
    }

    /// <summary>Wraps an object that was made in memory.</summary>
    /// <param name="json">A JSON object that does not depend on a document which will be disposed.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <exception cref="ArgumentException"><paramref name="json"/> is not an object.</exception>
    public static ModelConfig From(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object
            ? new ModelConfig(json, name, string.Empty)
            : throw new ArgumentException($"A configuration is a JSON object, got {json.ValueKind}.", nameof(json));

    /// <summary>Whether the key is there and not null.</summary>
    public bool Has(string key) => TryGet(key, out _);

    /// <summary>A whole number.</summary>
    /// <exception cref="CheckpointException">The key is missing, or not a whole number of 32 bits.</exception>
    public int GetInt(string key) => Int(key, Require(key));

    /// <summary>A whole number, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is not a whole number of 32 bits.</exception>
    public int GetInt(string key, int fallback) => TryGet(key, out var value) ? Int(key, value) : fallback;

    /// <summary>A finite number.</summary>
    /// <exception cref="CheckpointException">The key is missing or not a finite number.</exception>
    public double GetDouble(string key) => Double(key, Require(key));

    /// <summary>A finite number, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is not a finite number.</exception>
    public double GetDouble(string key, double fallback) => TryGet(key, out var value) ? Double(key, value) : fallback;

    /// <summary>A finite number in single precision, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is not a finite number.</exception>
    public float GetFloat(string key, float fallback) => TryGet(key, out var value) ? (float)Double(key, value) : fallback;

    /// <summary>True or false.</summary>
    /// <exception cref="CheckpointException">The key is missing, or neither true nor false.</exception>
    public bool GetBool(string key) => Bool(key, Require(key));

    /// <summary>True or false, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is neither true nor false.</exception>
    public bool GetBool(string key, bool fallback) => TryGet(key, out var value) ? Bool(key, value) : fallback;

    /// <summary>A string.</summary>
    /// <exception cref="CheckpointException">The key is missing or no string.</exception>
    public string GetString(string key) => Text(key, Require(key));

    /// <summary>A string, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is no string.</exception>
    public string? GetString(string key, string? fallback) => TryGet(key, out var value) ? Text(key, value) : fallback;

    /// <summary>A list of whole numbers, or null where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is not a list of whole numbers of 32 bits.</exception>
    public IReadOnlyList<int>? GetInts(string key) => List(key, Int);

    /// <summary>A list of finite numbers, or null where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is not a list of finite numbers.</exception>
    public IReadOnlyList<double>? GetDoubles(string key) => List(key, Double);

    /// <summary>A list of strings, or null where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is not a list of strings.</exception>
    public IReadOnlyList<string>? GetStrings(string key) => List(key, Text);

    /// <summary>An object inside this one, e.g. <c>text_config</c> or <c>rope_scaling</c>, or null where the key is missing.</summary>
    /// <exception cref="CheckpointException">The value is no object.</exception>
    public ModelConfig? GetSection(string key) =>
        !TryGet(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Object ? new ModelConfig(value, Path, $"{_section}{key}.")
        : throw Invalid(key, value, "an object");

    /// <summary>The class names of a classifier in the order of its outputs, from <c>id2label</c>; null where there are none.</summary>
    /// <exception cref="CheckpointException">The keys are not 0 … n − 1.</exception>
    public IReadOnlyList<string>? GetLabels()
    {
        if (GetSection("id2label") is not { } map)
        {
            return null;
        }

        string?[] labels = new string[map.Json.EnumerateObject().Count()];
        foreach (JsonProperty entry in map.Json.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, System.Globalization.CultureInfo.InvariantCulture, out int index) || index < 0 || index >= labels.Length)
            {
                throw Error("id2label", $"has the key '{entry.Name}' among {labels.Length} labels", $"Number the labels 0 to {labels.Length - 1}");
            }

            labels[index] = map.GetString(entry.Name);
        }

        return labels!;
    }

    /// <summary>An error about a value of this configuration, to be thrown.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fact">What is wrong with its value.</param>
    /// <param name="advice">What to do about it.</param>
    public CheckpointException Error(string key, string fact, string advice) =>
        new(ErrorCodes.CheckpointConfigKeyInvalid, Path, $"'{_section}{key}' {fact}", advice);

    private bool TryGet(string key, out JsonElement value) =>
        Json.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    private JsonElement Require(string key) =>
        TryGet(key, out var value)
            ? value
            : throw new CheckpointException(ErrorCodes.CheckpointConfigKeyMissing, Path,
                $"there is no '{_section}{key}'", "Use the configuration that came with the weights");

    private int Int(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Invalid(key, value, "a whole number of 32 bits");

    private double Double(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Invalid(key, value, "a finite number");

    private bool Bool(string key, JsonElement value) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Invalid(key, value, "true or false");

    private string Text(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Invalid(key, value, "a string");

    private T[]? List<T>(string key, Func<string, JsonElement, T> read) =>
        !TryGet(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select((item, i) => read($"{key}[{i}]", item))]
        : throw Invalid(key, value, "a list");

    private CheckpointException Invalid(string key, JsonElement value, string expected)
    {
        string raw = value.GetRawText();
        return Error(key, $"is {(raw.Length <= 60 ? raw : raw[..60] + "…")}, expected {expected}", "Use the configuration that came with the weights");
    }
}
