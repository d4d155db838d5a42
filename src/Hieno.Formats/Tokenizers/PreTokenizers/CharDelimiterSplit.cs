using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits at one given character, which vanishes.</summary>
internal sealed class CharDelimiterSplit(Rune delimiter) : PreTokenizer
{
    private readonly TextPattern _pattern = TextPattern.OfText(delimiter.ToString());

    public static PreTokenizer Read(JsonPart json) => new CharDelimiterSplit(Components.SingleRune(json.Required("delimiter")));

    public override void Run(PreTokenizedText text) => text.Split((piece, parts) =>
        Segments.Emit(Segments.Between(_pattern.Matches(piece), piece.Length), SplitBehavior.Removed, invert: false, parts));

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "CharDelimiterSplit");
        json.WriteString("delimiter", delimiter.ToString());
        json.WriteEndObject();
    }
}
