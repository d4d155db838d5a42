using System.Text.Json;

namespace Hieno.Formats.Tokenizers;

/// <summary>A value of a settings file together with where it stands, so that every complaint can name the file and the place.</summary>
internal readonly struct JsonPart(JsonElement element, string source, string path)
{
    public JsonElement Element => element;

    public string Source => source;

    public string Path => path;

    public bool IsNull => element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    public TokenizerException Error(string problem) => new(source, path.Length == 0 ? null : path, problem);

    /// <summary>The member called <paramref name="name"/>, or a null value when it is absent.</summary>
    public JsonPart Member(string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Error($"expected an object, found {Describe()}.");
        }

        string childPath = path.Length == 0 ? name : $"{path}.{name}";
        return new JsonPart(element.TryGetProperty(name, out JsonElement child) ? child : default, source, childPath);
    }

    public JsonPart Required(string name)
    {
        JsonPart child = Member(name);
        return child.IsNull ? throw Error($"'{name}' is missing.") : child;
    }

    public List<JsonPart> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw Error($"expected an array, found {Describe()}.");
        }

        var items = new List<JsonPart>(element.GetArrayLength());
        foreach (JsonElement item in element.EnumerateArray())
        {
            items.Add(new JsonPart(item, source, $"{path}[{items.Count}]"));
        }

        return items;
    }

    public string AsString()
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            throw Error($"expected a string, found {Describe()}.");
        }

        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e) // half a surrogate pair written as an escape
        {
            throw new TokenizerException(source, path, "the string is not valid Unicode.", e);
        }
    }

    public int AsInt() =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value)
            ? value
            : throw Error($"expected a whole number, found {Describe()}.");

    public double AsDouble() =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value)
            ? value
            : throw Error($"expected a number, found {Describe()}.");

    public bool AsBool() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error($"expected true or false, found {Describe()}."),
    };

    public string String(string name) => Required(name).AsString();

    public string? StringOrNull(string name) => Member(name) is { IsNull: false } child ? child.AsString() : null;

    public bool Bool(string name, bool otherwise) => Member(name) is { IsNull: false } child ? child.AsBool() : otherwise;

    public int Int(string name, int otherwise) => Member(name) is { IsNull: false } child ? child.AsInt() : otherwise;

    /// <summary>A whole number that must not be negative.</summary>
    public int Count(string name, int otherwise)
    {
        int value = Int(name, otherwise);
        return value >= 0 ? value : throw Member(name).Error($"{value} is negative. Give zero or more.");
    }

    /// <summary>One of the values of an enumeration, spelt as in the file format.</summary>
    public T Enum<T>(string name, T otherwise)
        where T : struct, Enum
    {
        JsonPart child = Member(name);
        if (child.IsNull)
        {
            return otherwise;
        }

        string text = child.AsString();
        foreach (T value in System.Enum.GetValues<T>())
        {
            if (string.Equals(value.ToString(), text, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        throw child.Error($"'{text}' is not known. Use one of {string.Join(", ", System.Enum.GetNames<T>())}.");
    }

    private string Describe() => element.ValueKind switch
    {
        JsonValueKind.Undefined => "nothing",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => element.GetRawText() is { Length: > 40 } raw ? raw[..40] + "…" : element.GetRawText(),
    };
}
