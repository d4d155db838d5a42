using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Cuts text into parts of a fixed number of characters; the last one may be shorter.</summary>
internal sealed class FixedLength(int length) : PreTokenizer
{
    public static PreTokenizer Read(JsonPart json) =>
        json.Int("length", 5) is int length and > 0 ? new FixedLength(length) : throw json.Member("length").Error("the length must be at least 1.");

    public override void Run(PreTokenizedText text) => text.Split((piece, parts) =>
    {
        for (int i = 0; i < piece.Length;)
        {
            int start = i;
            for (int characters = 0; characters < length && i < piece.Length; characters++)
            {
                _ = CharClasses.At(piece, i, out int units);
                i += units;
            }

            parts.Add(start, i);
        }
    });

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "FixedLength");
        json.WriteNumber("length", length);
        json.WriteEndObject();
    }
}
