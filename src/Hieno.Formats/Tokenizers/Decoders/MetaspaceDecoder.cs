using System.Text;
using System.Text.Json;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Reads the visible sign (▁) as a space; in the first token it was prepended and vanishes.</summary>
internal sealed class MetaspaceDecoder(MetaspaceSettings settings) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) => new MetaspaceDecoder(MetaspaceSettings.Read(json));

    public override List<string> Decode(List<string> tokens)
    {
        string sign = settings.Replacement.ToString();
        var output = new List<string>(tokens.Count);
        foreach (string token in tokens)
        {
            bool vanishes = output.Count == 0 && settings.Prepend != PrependScheme.Never;
            output.Add(token.Replace(sign, vanishes ? string.Empty : " ", StringComparison.Ordinal));
        }

        return output;
    }

    public override void Write(Utf8JsonWriter json) => settings.Write(json);
}
