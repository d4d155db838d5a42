using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Replaces every match of a text or a regular expression.</summary>
internal sealed class Replace(TextPattern pattern, string content) : Normalizer
{
    public static Normalizer Read(JsonPart json) => new Replace(TextPattern.Read(json.Required("pattern")), json.String("content"));

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        ReadOnlySpan<char> text = source.Slice(start, length);
        int done = 0;
        foreach (TextRange match in pattern.Matches(text))
        {
            target.AppendFrom(source, start + done, match.Start - done);

            // The new text stands for the last character of what it replaces; an empty match stands for the character before it.
            int last = Math.Max(match.End - 1, 0);
            target.Append(content, length == 0 ? default : source.OriginOf(start + last));
            done = match.End;
        }

        target.AppendFrom(source, start + done, length - done);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WritePropertyName("pattern");
        pattern.Write(json);
        json.WriteString("content", content);
        json.WriteEndObject();
    }
}
