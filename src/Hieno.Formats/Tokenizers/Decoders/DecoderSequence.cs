using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Runs several decoders, one after the other.</summary>
internal sealed class DecoderSequence(IReadOnlyList<TokenDecoder> decoders) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) => new DecoderSequence(Components.ReadAll(json.Required("decoders"), Components.Decoder));

    public override List<string> Decode(List<string> tokens)
    {
        foreach (TokenDecoder decoder in decoders)
        {
            tokens = decoder.Decode(tokens);
        }

        return tokens;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("decoders");
        foreach (TokenDecoder decoder in decoders)
        {
            decoder.Write(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
