using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Turns tokens back into text, as a chain of steps over a list of strings that is joined in the end.</summary>
internal abstract class TokenDecoder
{
    public abstract List<string> Decode(List<string> tokens);

    /// <summary>Writes the settings as they stand in tokenizer.json.</summary>
    public abstract void Write(Utf8JsonWriter json);
}
