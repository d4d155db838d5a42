using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>A normalizer that maps each character on its own: to itself, to another one, or to nothing.</summary>
internal abstract class RuneNormalizer : Normalizer
{
    /// <summary>What becomes of a character; null drops it.</summary>
    protected abstract Rune? Map(Rune rune);

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        for (int i = start; i < start + length;)
        {
            Rune rune = source.RuneAt(i);
            if (Map(rune) is Rune mapped)
            {
                target.Append(mapped, source.OriginOf(i));
            }

            i += rune.Utf16SequenceLength;
        }
    }

    /// <summary>Writes a component that has no settings but its type.</summary>
    protected static void WriteType(Utf8JsonWriter json, string type)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteEndObject();
    }
}
