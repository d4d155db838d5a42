using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Drops up to so many copies of a character at the start and the end of each token.</summary>
internal sealed class StripDecoder(Rune content, int start, int stop) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) =>
        new StripDecoder(Components.SingleRune(json.Required("content")), json.Count("start", 0), json.Count("stop", 0));

    public override List<string> Decode(List<string> tokens) => tokens.ConvertAll(Strip);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Strip");
        json.WriteString("content", content.ToString());
        json.WriteNumber("start", start);
        json.WriteNumber("stop", stop);
        json.WriteEndObject();
    }

    private string Strip(string token)
    {
        string character = content.ToString();
        ReadOnlySpan<char> text = token;
        for (int i = 0; i < start && text.StartsWith(character); i++)
        {
            text = text[character.Length..];
        }

        for (int i = 0; i < stop && text.EndsWith(character); i++)
        {
            text = text[..^character.Length];
        }

        return text.Length == token.Length ? token : text.ToString();
    }
}
