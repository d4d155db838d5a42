using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits at the matches of a text or a regular expression.</summary>
internal sealed class Split(TextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    // A scanner covers the whole text with matches, so it only stands in where every match is a piece.
    private readonly WordScanner? _scanner =
        pattern.Expression is string expression && behavior == SplitBehavior.Isolated ? WordScanner.For(expression) : null;

    public static PreTokenizer Read(JsonPart json) => new Split(
        TextPattern.Read(json.Required("pattern")),
        json.Enum("behavior", SplitBehavior.Isolated),
        json.Bool("invert", false));

    public override void Run(PreTokenizedText text)
    {
        if (_scanner is not null)
        {
            text.Split(_scanner.Split);
            return;
        }

        text.Split((piece, parts) => Segments.Emit(Segments.Between(pattern.Matches(piece), piece.Length), behavior, invert, parts));
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WritePropertyName("pattern");
        pattern.Write(json);
        json.WriteString("behavior", behavior.ToString());
        json.WriteBoolean("invert", invert);
        json.WriteEndObject();
    }
}
