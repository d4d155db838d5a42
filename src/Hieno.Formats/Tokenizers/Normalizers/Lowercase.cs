using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Lower-cases character by character, without the rule for a final sigma.</summary>
internal sealed class Lowercase : Normalizer
{
    private const int CapitalIWithDot = 0x130;
    private const char CombiningDotAbove = '\u0307';

    public static void Apply(AlignedText source, int start, int length, AlignedText target)
    {
        for (int i = start; i < start + length;)
        {
            Rune rune = source.RuneAt(i);
            TextRange origin = source.OriginOf(i);
            if (rune.Value == CapitalIWithDot)
            {
                // The one character whose lower-case form is two; .NET's invariant mapping leaves it as it is.
                target.Append('i', origin);
                target.Append(CombiningDotAbove, origin);
            }
            else
            {
                target.Append(rune.IsAscii ? new Rune(char.ToLowerInvariant((char)rune.Value)) : Rune.ToLowerInvariant(rune), origin);
            }

            i += rune.Utf16SequenceLength;
        }
    }

    public override void Normalize(AlignedText source, int start, int length, AlignedText target) => Apply(source, start, length, target);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Lowercase");
        json.WriteEndObject();
    }
}
