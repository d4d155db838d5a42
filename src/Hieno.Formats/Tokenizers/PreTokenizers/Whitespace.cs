using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Keeps runs of word characters and runs of anything else that is not white space: <c>\w+|[^\w\s]+</c>.</summary>
internal sealed class Whitespace : PreTokenizer
{
    public override void Run(PreTokenizedText text) => text.Split(static (piece, parts) =>
    {
        for (int i = 0; i < piece.Length;)
        {
            int start = i;
            CharClass kind = Kind(piece, i, out int units);
            do
            {
                i += units;
            }
            while (i < piece.Length && Kind(piece, i, out units) == kind);

            if (kind != CharClass.Space)
            {
                parts.Add(start, i);
            }
        }
    });

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Whitespace");
        json.WriteEndObject();
    }

    private static CharClass Kind(ReadOnlySpan<char> text, int index, out int units)
    {
        CharClass all = CharClasses.At(text, index, out units);
        return all.HasFlag(CharClass.Word) ? CharClass.Word : all & CharClass.Space;
    }
}
