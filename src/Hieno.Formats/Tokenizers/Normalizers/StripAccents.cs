using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Drops every combining mark. Accents that are part of a letter are only reached after NFD or NFKD.</summary>
internal sealed class StripAccents : RuneNormalizer
{
    protected override Rune? Map(Rune rune) => CharClasses.Of(rune).HasFlag(CharClass.Mark) ? null : rune;

    public override void Write(Utf8JsonWriter json) => WriteType(json, "StripAccents");
}
