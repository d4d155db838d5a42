using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits at white space, which vanishes.</summary>
internal sealed class WhitespaceSplit : PreTokenizer
{
    public override void Run(PreTokenizedText text) => CharSplitter.Run(text, CharClass.Space, SplitBehavior.Removed);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WhitespaceSplit");
        json.WriteEndObject();
    }
}
