using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Reads the end-of-word suffix as a space, except at the end of the text.</summary>
internal sealed class BpeDecoder(string suffix) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) => new BpeDecoder(json.StringOrNull("suffix") ?? "</w>");

    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        foreach (string token in tokens)
        {
            string space = output.Count == tokens.Count - 1 ? string.Empty : " ";
            output.Add(suffix.Length == 0 ? token : token.Replace(suffix, space, StringComparison.Ordinal));
        }

        return output;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BPEDecoder");
        json.WriteString("suffix", suffix);
        json.WriteEndObject();
    }
}
