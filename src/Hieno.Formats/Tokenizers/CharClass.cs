using System.Globalization;
using System.Text;

namespace Hieno.Formats.Tokenizers;

/// <summary>The classes of characters that split patterns ask for.</summary>
[Flags]
internal enum CharClass : byte
{
    None = 0,

    /// <summary>General category L*.</summary>
    Letter = 1,

    /// <summary>General category N* (decimal, letter-like and other numbers).</summary>
    Number = 2,

    /// <summary>The property White_Space.</summary>
    Space = 4,

    /// <summary>General category M*.</summary>
    Mark = 8,

    /// <summary>ASCII punctuation, the symbols among it included, and general category P*.</summary>
    Punctuation = 16,

    /// <summary>What <c>\w</c> means to Unicode-aware engines: alphabetic, marks, decimal digits, connectors and joiners.</summary>
    Word = 32,
}

/// <summary>Looks characters up by class; one table for the basic plane, so that a scan costs one load per character.</summary>
internal static class CharClasses
{
    private static readonly CharClass[] BasicPlane = BuildBasicPlane();

    public static CharClass Of(Rune rune) => rune.IsBmp ? BasicPlane[rune.Value] : Classify(rune);

    /// <summary>The class of the character at <paramref name="index"/> and how many UTF-16 units it takes.</summary>
    public static CharClass At(ReadOnlySpan<char> text, int index, out int units)
    {
        char c = text[index];
        if (char.IsHighSurrogate(c) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            units = 2;
            return Classify(new Rune(c, text[index + 1]));
        }

        units = 1;
        return BasicPlane[c];
    }

    private static CharClass[] BuildBasicPlane()
    {
        var table = new CharClass[0x10000];
        for (int value = 0; value < table.Length; value++)
        {
            if (Rune.IsValid(value))
            {
                table[value] = Classify(new Rune(value));
            }
        }

        return table;
    }

    private static CharClass Classify(Rune rune)
    {
        CharClass result = Rune.IsWhiteSpace(rune) ? CharClass.Space : CharClass.None;
        switch (Rune.GetUnicodeCategory(rune))
        {
            case UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter:
                result |= CharClass.Letter | CharClass.Word;
                break;
            case UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber:
                result |= CharClass.Number | CharClass.Word;
                break;
            case UnicodeCategory.OtherNumber:
                result |= CharClass.Number;
                break;
            case UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark:
                result |= CharClass.Mark | CharClass.Word;
                break;
            case UnicodeCategory.ConnectorPunctuation:
                result |= CharClass.Punctuation | CharClass.Word;
                break;
            case UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation or UnicodeCategory.ClosePunctuation
                or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation:
                result |= CharClass.Punctuation;
                break;
            default:
                break;
        }

        // $ + < = > ^ ` | ~ are symbols to Unicode, punctuation to everyone who types.
        if (rune.IsAscii && rune.Value > ' ' && rune.Value < 0x7F && !Rune.IsLetterOrDigit(rune))
        {
            result |= CharClass.Punctuation;
        }

        // Alphabetic symbols (circled and squared letters) and the two joiners.
        if (rune.Value is (>= 0x24B6 and <= 0x24E9) or 0x200C or 0x200D
            or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189))
        {
            result |= CharClass.Word;
        }

        return result;
    }
}
