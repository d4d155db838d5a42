using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Replaces every match of a text or a regular expression in each token.</summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) => new ReplaceDecoder(TextPattern.Read(json.Required("pattern")), json.String("content"));

    public override List<string> Decode(List<string> tokens) => tokens.ConvertAll(Replace);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WritePropertyName("pattern");
        pattern.Write(json);
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    private string Replace(string token)
    {
        List<TextRange> matches = pattern.Matches(token);
        if (matches.Count == 0)
        {
            return token;
        }

        var output = new StringBuilder(token.Length);
        int done = 0;
        foreach (TextRange match in matches)
        {
            output.Append(token, done, match.Start - done).Append(content);
            done = match.End;
        }

        return output.Append(token, done, token.Length - done).ToString();
    }
}
