using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits at white space, which vanishes, and around each punctuation character.</summary>
internal sealed class BertPreTokenizer : PreTokenizer
{
    public override void Run(PreTokenizedText text)
    {
        CharSplitter.Run(text, CharClass.Space, SplitBehavior.Removed);
        CharSplitter.Run(text, CharClass.Punctuation, SplitBehavior.Isolated);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BertPreTokenizer");
        json.WriteEndObject();
    }
}
