using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PostProcessors;

/// <summary>Finishes the encoding of one text or a pair: inserts special tokens, sets segment ids, trims offsets.</summary>
internal abstract class PostProcessor
{
    /// <summary>How many special tokens it inserts; truncation leaves room for them.</summary>
    public abstract int AddedTokens(bool isPair);

    /// <summary>Processes the encodings of one text or two; the results are put one after the other.</summary>
    public abstract List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens);

    /// <summary>Writes the settings as they stand in tokenizer.json.</summary>
    public abstract void Write(Utf8JsonWriter json);
}

/// <summary>A special token and its id, written as <c>["[SEP]", 102]</c>.</summary>
internal readonly record struct SpecialToken(string Content, int Id)
{
    public static SpecialToken Read(JsonPart json) => json.Items() is [JsonPart content, JsonPart id]
        ? new SpecialToken(content.AsString(), id.AsInt())
        : throw json.Error("expected a token and its id, like [\"[SEP]\", 102].");

    public Encoding Insert(int typeId) => Encoding.Inserted([Id], [Content], typeId);

    public void Write(Utf8JsonWriter json, string name)
    {
        json.WriteStartArray(name);
        json.WriteStringValue(Content);
        json.WriteNumberValue(Id);
        json.WriteEndArray();
    }
}
