using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Puts a text in front, unless there is nothing to put it in front of.</summary>
internal sealed class Prepend(string prepend) : Normalizer
{
    public static Normalizer Read(JsonPart json) => new Prepend(json.String("prepend"));

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        if (length > 0)
        {
            // What was not in the original shares the place of the character it stands before.
            target.Append(prepend, source.OriginOf(start));
        }

        target.AppendFrom(source, start, length);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Prepend");
        json.WriteString("prepend", prepend);
        json.WriteEndObject();
    }
}
