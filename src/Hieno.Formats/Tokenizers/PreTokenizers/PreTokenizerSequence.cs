using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Runs several pre-tokenizers, one after the other, on the pieces the one before left.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> preTokenizers) : PreTokenizer
{
    public static PreTokenizer Read(JsonPart json) =>
        new PreTokenizerSequence(Components.ReadAll(json.Required("pretokenizers"), Components.PreTokenizer));

    public override void Run(PreTokenizedText text)
    {
        foreach (PreTokenizer preTokenizer in preTokenizers)
        {
            preTokenizer.Run(text);
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        foreach (PreTokenizer preTokenizer in preTokenizers)
        {
            preTokenizer.Write(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
