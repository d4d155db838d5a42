using System.Text.Json;
using System.Text.RegularExpressions;

namespace Hieno.Formats.Tokenizers;

/// <summary>What a normalizer, pre-tokenizer or decoder searches for: a plain text or a regular expression.</summary>
internal sealed class TextPattern
{
    private readonly string _text;
    private readonly OnigurumaRegex? _regex;

    private TextPattern(string text, OnigurumaRegex? regex)
    {
        (_text, _regex) = (text, regex);
    }

    /// <summary>The regular expression, or null for a plain text.</summary>
    public string? Expression => _regex is null ? null : _text;

    /// <summary>Reads <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
    public static TextPattern Read(JsonPart json)
    {
        if (json.Element.ValueKind == JsonValueKind.String)
        {
            return new TextPattern(json.AsString(), null);
        }

        JsonPart regex = json.Member("Regex");
        return regex.IsNull
            ? new TextPattern(json.String("String"), null)
            : new TextPattern(regex.AsString(), new OnigurumaRegex(regex.AsString(), regex.Error));
    }

    public static TextPattern OfRegex(string expression) =>
        new(expression, new OnigurumaRegex(expression, problem => new TokenizerException("pattern", null, problem)));

    public static TextPattern OfText(string text) => new(text, null);

    /// <summary>The matches, from left to right, without overlap.</summary>
    public List<TextRange> Matches(ReadOnlySpan<char> text)
    {
        if (_regex is not null)
        {
            return _regex.Matches(text);
        }

        var matches = new List<TextRange>();
        for (int from = 0; _text.Length > 0 && text[from..].IndexOf(_text, StringComparison.Ordinal) is int found and >= 0;)
        {
            matches.Add(new TextRange(from + found, from + found + _text.Length));
            from += found + _text.Length;
        }

        return matches;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString(_regex is null ? "String" : "Regex", _text);
        json.WriteEndObject();
    }
}
