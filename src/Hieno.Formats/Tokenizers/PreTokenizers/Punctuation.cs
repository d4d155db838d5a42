using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits at punctuation characters.</summary>
internal sealed class Punctuation(SplitBehavior behavior) : PreTokenizer
{
    public static PreTokenizer Read(JsonPart json) => new Punctuation(json.Enum("behavior", SplitBehavior.Isolated));

    public override void Run(PreTokenizedText text) => CharSplitter.Run(text, CharClass.Punctuation, behavior);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Punctuation");
        json.WriteString("behavior", behavior.ToString());
        json.WriteEndObject();
    }
}
