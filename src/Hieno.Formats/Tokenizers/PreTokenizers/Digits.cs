using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits numbers off: each digit alone, or runs of digits together.</summary>
internal sealed class Digits(bool individual) : PreTokenizer
{
    public static PreTokenizer Read(JsonPart json) => new Digits(json.Bool("individual_digits", false));

    public override void Run(PreTokenizedText text) =>
        CharSplitter.Run(text, CharClass.Number, individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Digits");
        json.WriteBoolean("individual_digits", individual);
        json.WriteEndObject();
    }
}
