using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Joins everything into one text, so that the next step sees it whole.</summary>
internal sealed class Fuse : TokenDecoder
{
    public override List<string> Decode(List<string> tokens) => [string.Concat(tokens)];

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Fuse");
        json.WriteEndObject();
    }
}
