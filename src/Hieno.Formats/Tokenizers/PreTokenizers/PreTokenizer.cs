using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Cuts normalized text into the pieces that the model tokenizes one by one.</summary>
internal abstract class PreTokenizer
{
    public abstract void Run(PreTokenizedText text);

    /// <summary>Writes the settings as they stand in tokenizer.json.</summary>
    public abstract void Write(Utf8JsonWriter json);
}
