using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Reads the output of connectionist temporal classification: repeats count once, padding vanishes, the delimiter is a space.</summary>
internal sealed class CtcDecoder(string padToken, string wordDelimiter, bool cleanup) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) => new CtcDecoder(
        json.StringOrNull("pad_token") ?? "<pad>", json.StringOrNull("word_delimiter_token") ?? "|", json.Bool("cleanup", true));

    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        string? previous = null;
        foreach (string token in tokens)
        {
            if (string.Equals(token, previous, StringComparison.Ordinal))
            {
                continue;
            }

            previous = token;
            string text = padToken.Length == 0 ? token : token.Replace(padToken, string.Empty, StringComparison.Ordinal);
            if (cleanup)
            {
                text = WordPieceDecoder.CleanUp(text);
                text = wordDelimiter.Length == 0 ? text : text.Replace(wordDelimiter, " ", StringComparison.Ordinal);
            }

            if (text.Length > 0)
            {
                output.Add(text);
            }
        }

        return output;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "CTC");
        json.WriteString("pad_token", padToken);
        json.WriteString("word_delimiter_token", wordDelimiter);
        json.WriteBoolean("cleanup", cleanup);
        json.WriteEndObject();
    }
}
