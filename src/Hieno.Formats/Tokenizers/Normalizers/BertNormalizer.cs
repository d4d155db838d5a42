using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>BERT's cleaning, in its order: control characters, spaces around Chinese characters, accents, case.</summary>
/// <param name="cleanText">Drops control characters and turns all white space into spaces.</param>
/// <param name="handleChineseChars">Puts a space on both sides of each Chinese character.</param>
/// <param name="stripAccents">Drops accents; null means: where <paramref name="lowercase"/> is set.</param>
/// <param name="lowercase">Lower-cases.</param>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseChars, bool? stripAccents, bool lowercase) : Normalizer
{
    public static Normalizer Read(JsonPart json) => new BertNormalizer(
        json.Bool("clean_text", true),
        json.Bool("handle_chinese_chars", true),
        json.Member("strip_accents") is { IsNull: false } strip ? strip.AsBool() : null,
        json.Bool("lowercase", true));

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        var cleaned = new AlignedText(length);
        CleanAndSpace(source, start, length, cleaned);
        if (stripAccents ?? lowercase)
        {
            var decomposed = new AlignedText(cleaned.Length);
            UnicodeForm.Apply(NormalizationForm.FormD, cleaned, 0, cleaned.Length, decomposed);
            cleaned = new AlignedText(decomposed.Length);
            DropNonSpacingMarks(decomposed, cleaned);
        }

        if (lowercase)
        {
            Lowercase.Apply(cleaned, 0, cleaned.Length, target);
        }
        else
        {
            target.AppendFrom(cleaned, 0, cleaned.Length);
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BertNormalizer");
        json.WriteBoolean("clean_text", cleanText);
        json.WriteBoolean("handle_chinese_chars", handleChineseChars);
        if (stripAccents is bool strip)
        {
            json.WriteBoolean("strip_accents", strip);
        }
        else
        {
            json.WriteNull("strip_accents");
        }

        json.WriteBoolean("lowercase", lowercase);
        json.WriteEndObject();
    }

    private void CleanAndSpace(AlignedText source, int start, int length, AlignedText target)
    {
        for (int i = start; i < start + length;)
        {
            Rune rune = source.RuneAt(i);
            TextRange origin = source.OriginOf(i);
            i += rune.Utf16SequenceLength;
            if (cleanText)
            {
                if (IsDropped(rune))
                {
                    continue;
                }

                rune = Rune.IsWhiteSpace(rune) ? new Rune(' ') : rune;
            }

            if (handleChineseChars && IsChinese(rune.Value))
            {
                target.Append(' ', origin);
                target.Append(rune, origin);
                target.Append(' ', origin);
            }
            else
            {
                target.Append(rune, origin);
            }
        }
    }

    private static bool IsDropped(Rune rune)
    {
        if (rune.Value is '\t' or '\n' or '\r')
        {
            return false;
        }

        return rune.Value is 0 or 0xFFFD || (!rune.IsAscii || rune.Value < ' ' || rune.Value == 0x7F) && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse;
    }

    // The blocks that the reference counts as Chinese. Its fifth extension block starts at 2B920 where Unicode has 2B820;
    // to agree with trained models, so does this one.
    private static bool IsChinese(int c) => c is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);

    private static void DropNonSpacingMarks(AlignedText source, AlignedText target)
    {
        for (int i = 0; i < source.Length;)
        {
            Rune rune = source.RuneAt(i);
            if (rune.IsAscii || Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
            {
                target.Append(rune, source.OriginOf(i));
            }

            i += rune.Utf16SequenceLength;
        }
    }
}
