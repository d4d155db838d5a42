using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Writes each byte of the UTF-8 text as one printable character.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override void Normalize(AlignedText source, int start, int length, AlignedText target) =>
        ByteAlphabet.Rewrite(source, start, length, target);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteEndObject();
    }
}
