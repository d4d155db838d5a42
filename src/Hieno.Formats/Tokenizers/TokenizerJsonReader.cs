using System.Text.Json;
using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Formats.Tokenizers.PostProcessors;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers;

/// <summary>The parts a tokenizer is made of.</summary>
internal sealed record TokenizerParts(TokenizerModel Model)
{
    public Normalizer? Normalizer { get; init; }

    public PreTokenizer? PreTokenizer { get; init; }

    public PostProcessor? PostProcessor { get; init; }

    public TokenDecoder? Decoder { get; init; }

    public Truncation? Truncation { get; init; }

    public Padding? Padding { get; init; }

    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];
}

/// <summary>Reads the format of tokenizer.json.</summary>
internal static class TokenizerJsonReader
{
    private static readonly JsonReaderOptions Options = new() { CommentHandling = JsonCommentHandling.Disallow, MaxDepth = 64 };

    public static TokenizerParts Read(ReadOnlySpan<byte> utf8, string source)
    {
        try
        {
            return ReadDocument(utf8, source);
        }
        catch (JsonException e)
        {
            throw new TokenizerException(source, $"line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", $"the file is not valid JSON: {e.Message}", e);
        }
        catch (InvalidOperationException e) // a string that is not valid UTF-8
        {
            throw new TokenizerException(source, null, $"the file is not valid JSON: {e.Message}", e);
        }
    }

    private static TokenizerParts ReadDocument(ReadOnlySpan<byte> utf8, string source)
    {
        if (utf8.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        var reader = new Utf8JsonReader(utf8, Options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new TokenizerException(source, null, "a tokenizer file is a JSON object, and this is not one.");
        }

        // The model can be 99 % of the file, so it is read value by value; the rest is small.
        TokenizerModel? model = null;
        var settings = new Dictionary<string, JsonPart>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (string.Equals(name, "model", StringComparison.Ordinal))
            {
                model = ModelReader.Read(ref reader, source);
            }
            else
            {
                settings[name] = new JsonPart(JsonElement.ParseValue(ref reader), source, name);
            }
        }

        // Reads to the end, so that a file with something behind its last brace is refused.
        while (reader.Read())
        {
        }

        JsonPart Part(string name) => settings.TryGetValue(name, out JsonPart part) ? part : new JsonPart(default, source, name);
        T? Optional<T>(string name, Func<JsonPart, T> read)
            where T : class => Part(name) is { IsNull: false } part ? read(part) : null;

        if (Part("version") is { IsNull: false } version && !string.Equals(version.AsString(), "1.0", StringComparison.Ordinal))
        {
            throw version.Error($"the version is '{version.AsString()}', and only 1.0 is known.");
        }

        return new TokenizerParts(model ?? throw new TokenizerException(source, null, "'model' is missing."))
        {
            Normalizer = Optional("normalizer", Components.Normalizer),
            PreTokenizer = Optional("pre_tokenizer", Components.PreTokenizer),
            PostProcessor = Optional("post_processor", Components.PostProcessor),
            Decoder = Optional("decoder", Components.Decoder),
            Truncation = Optional("truncation", Truncation.Read),
            Padding = Optional("padding", Padding.Read),
            AddedTokens = Optional("added_tokens", part => Components.ReadAll(part, AddedToken.Read)) ?? [],
        };
    }
}
