using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Rewrites text before it is split: case, accents, compatibility forms, white space.</summary>
internal abstract class Normalizer
{
    /// <summary>Appends the normalized form of a range of <paramref name="source"/> to <paramref name="target"/>.</summary>
    public abstract void Normalize(AlignedText source, int start, int length, AlignedText target);

    /// <summary>Writes the settings as they stand in tokenizer.json.</summary>
    public abstract void Write(Utf8JsonWriter json);

    /// <summary>The normalized form of a text on its own.</summary>
    public string Normalize(string text)
    {
        AlignedText source = AlignedText.Of(text);
        var target = new AlignedText(text.Length);
        Normalize(source, 0, source.Length, target);
        return target.Slice(0, target.Length).ToString();
    }
}
