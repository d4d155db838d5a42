using System.Globalization;
using System.Numerics;
using System.Text;

namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>Reads the numbers and strings of an expression, in Python's notation.</summary>
internal static class Literals
{
    // Python's own bound on the digits of an integer in text: conversion takes quadratic time.
    private const int MaxDigits = 4300;

    /// <summary>Reads an integer (decimal, 0x, 0o, 0b) or a float; single underscores may stand between digits.</summary>
    public static Token ReadNumber(string text, ref int at)
    {
        int start = at;
        int radixBits = start + 1 < text.Length && text[start] == '0'
            ? char.ToLowerInvariant(text[start + 1]) switch { 'b' => 1, 'o' => 3, 'x' => 4, _ => 0 }
            : 0;
        int end = radixBits > 0 ? EndOfDigits(text, start + 2, 1 << radixBits) : start + 2;
        if (end > start + 2)
        {
            at = end;
            return new Token(TokenKind.Number, "", start, ParseInteger(Digits(text, start + 2, end), radixBits));
        }

        at = EndOfDigits(text, start, 10);
        bool isFloat = false;

        // After a dot there is only an index, as in 'row.0.1', never a fraction.
        if (start == 0 || text[start - 1] != '.')
        {
            int fraction = at < text.Length && text[at] == '.' ? EndOfDigits(text, at + 1, 10) : at;
            fraction = fraction > at + 1 ? fraction : at;
            int exponent = EndOfExponent(text, fraction);
            isFloat = exponent > at;
            at = exponent;
        }

        string digits = Digits(text, start, at);
        if (!isFloat && digits[0] == '0' && digits.AsSpan().ContainsAnyExcept('0'))
        {
            throw TemplateFault.Syntax($"the integer {digits} starts with a zero", start);
        }

        return new Token(TokenKind.Number, "", start, isFloat ? double.Parse(digits, CultureInfo.InvariantCulture) : ParseInteger(digits, 0));

        string Digits(string from, int first, int last) => last - first <= MaxDigits
            ? from[first..last].Replace("_", "", StringComparison.Ordinal)
            : throw TemplateFault.Syntax($"the number has {last - first:N0} digits, at most {MaxDigits:N0} are read", start);
    }

    /// <summary>Reads a quoted string and decodes its escapes. An unknown escape stays as it is written.</summary>
    public static Token ReadString(string text, ref int at)
    {
        int start = at;
        char quote = text[at++];
        var value = new StringBuilder();
        for (; at < text.Length; at++)
        {
            char c = text[at];
            if (c == quote)
            {
                at++;
                return new Token(TokenKind.String, value.ToString(), start);
            }

            if (c != '\\')
            {
                value.Append(c);
            }
            else if (++at < text.Length)
            {
                AppendEscape(value, text, ref at);
            }
        }

        throw TemplateFault.Syntax($"the string opened by {quote} is not closed", start);
    }

    private static int EndOfDigits(string text, int at, int radix)
    {
        int start = at;
        while (at < text.Length
            && (IsDigit(text[at]) || (text[at] == '_' && at > start && at + 1 < text.Length && IsDigit(text[at + 1]))))
        {
            at++;
        }

        return at;

        bool IsDigit(char c) => radix == 16 ? char.IsAsciiHexDigit(c) : c >= '0' && c < '0' + radix;
    }

    /// <summary>Behind e+12 or the like, or the same place when there is none.</summary>
    private static int EndOfExponent(string text, int at)
    {
        if (at >= text.Length || text[at] is not ('e' or 'E'))
        {
            return at;
        }

        int digits = at + 1 < text.Length && text[at + 1] is '+' or '-' ? at + 2 : at + 1;
        int end = EndOfDigits(text, digits, 10);
        return end > digits ? end : at;
    }

    private static BigInteger ParseInteger(string digits, int radixBits)
    {
        if (radixBits == 0)
        {
            return BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        }

        var value = BigInteger.Zero;
        foreach (char c in digits)
        {
            value = (value << radixBits) + Convert.ToInt32(c.ToString(), 16);
        }

        return value;
    }

    /// <summary>Decodes one escape; <paramref name="at"/> is on the character behind the backslash, then on the last one used.</summary>
    private static void AppendEscape(StringBuilder value, string text, ref int at)
    {
        char c = text[at];
        switch (c)
        {
            case '\n': break; // a backslash at the end of a line joins the lines
            case '\\' or '\'' or '"': value.Append(c); break;
            case 'n': value.Append('\n'); break;
            case 'r': value.Append('\r'); break;
            case 't': value.Append('\t'); break;
            case 'a': value.Append('\a'); break;
            case 'b': value.Append('\b'); break;
            case 'f': value.Append('\f'); break;
            case 'v': value.Append('\v'); break;
            case 'x': AppendCodePoint(value, text, ref at, 2); break;
            case 'u': AppendCodePoint(value, text, ref at, 4); break;
            case 'U': AppendCodePoint(value, text, ref at, 8); break;
            case 'N': throw TemplateFault.Syntax("characters by name (\\N{…}) are not supported", at - 1);
            case >= '0' and <= '7':
                int octal = 0;
                int end = Math.Min(at + 3, text.Length);
                for (; at < end && text[at] is >= '0' and <= '7'; at++)
                {
                    octal = (octal * 8) + (text[at] - '0');
                }

                at--;
                value.Append((char)octal);
                break;
            default: value.Append('\\').Append(c); break;
        }
    }

    private static void AppendCodePoint(StringBuilder value, string text, ref int at, int digits)
    {
        int start = at + 1;
        if (start + digits > text.Length
            || !uint.TryParse(text.AsSpan(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            || code > 0x10FFFF)
        {
            throw TemplateFault.Syntax($"the escape \\{text[at]} needs {digits} hexadecimal digits of a Unicode character", at - 1);
        }

        // Halves of a surrogate pair are written one by one; the string then holds the pair.
        value.Append(code <= 0xFFFF ? ((char)code).ToString() : char.ConvertFromUtf32((int)code));
        at += digits;
    }
}
