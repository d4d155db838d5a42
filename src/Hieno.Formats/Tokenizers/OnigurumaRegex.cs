using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Hieno.Formats.Tokenizers;

/// <summary>A regular expression of a tokenizer file, written for the Oniguruma engine, run by .NET's.</summary>
/// <remarks>
/// The expression is translated where the two dialects differ and refused where .NET has no equivalent. .NET matches UTF-16 units,
/// so a character outside the basic plane would never be a letter: before matching, each such character is replaced by a
/// basic-plane character of the same general category, and matches are mapped back.
/// </remarks>
internal sealed class OnigurumaRegex
{
    // The word characters of Oniguruma; .NET's own \w lacks some marks, letter numbers and circled letters.
    private const string WordClass = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u24B6-\u24E9";

    // Outside brackets, and only there, Oniguruma also takes Latin-1's raised digits and fractions for word characters.
    private const string LoneWordClass = "[" + WordClass + @"\u00B2\u00B3\u00B9\u00BC-\u00BE]";

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.Multiline;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private static readonly char[] StandIns = FindStandIns();

    private readonly Regex _regex;
    private readonly Lazy<Regex?> _linear;
    private readonly string _expression;
    private readonly bool _namesAstral;
    private readonly Func<string, TokenizerException> _fault;

    public OnigurumaRegex(string expression, Func<string, TokenizerException> fault)
    {
        (_expression, _fault) = (expression, fault);
        _namesAstral = expression.Any(char.IsSurrogate);
        string translated = Translate(expression, fault);
        try
        {
            _regex = new Regex(translated, Options, Timeout);
        }
        catch (ArgumentException e)
        {
            TokenizerException place = fault(string.Empty);
            throw new TokenizerException(
                place.FileName, place.Path, $"the regular expression '{expression}' cannot be expressed in .NET: {e.Message}", e);
        }

        _linear = new Lazy<Regex?>(() => Linear(translated));
    }

    public List<TextRange> Matches(ReadOnlySpan<char> text)
    {
        char[]? units = null;
        int[]? positions = null;
        if (!_namesAstral && text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0)
        {
            (units, positions) = WithStandIns(text);
            text = units;
        }

        var matches = new List<TextRange>();
        try
        {
            Collect(_regex, text, positions, matches);
        }
        catch (RegexMatchTimeoutException) when (_linear.Value is not null)
        {
            // The usual engine is the faster one until it backtracks; this one never does.
            matches.Clear();
            Collect(_linear.Value, text, positions, matches);
        }
        catch (RegexMatchTimeoutException)
        {
            throw _fault($"the regular expression '{_expression}' took longer than {Timeout.TotalSeconds} s on a text of "
                + $"{text.Length} characters. Split the text into shorter parts.");
        }

        return matches;
    }

    private static void Collect(Regex regex, ReadOnlySpan<char> text, int[]? positions, List<TextRange> matches)
    {
        foreach (ValueMatch match in regex.EnumerateMatches(text))
        {
            int end = match.Index + match.Length;
            matches.Add(positions is null ? new TextRange(match.Index, end) : new TextRange(positions[match.Index], positions[end]));
        }
    }

    /// <summary>The expression for the engine whose time is linear in the text, or null: it knows no look-around and no atomic groups.</summary>
    private static Regex? Linear(string translated)
    {
        try
        {
            return new Regex(translated, Options | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The text with one unit per character, and where each of those characters starts in the text.</summary>
    private static (char[] Units, int[] Positions) WithStandIns(ReadOnlySpan<char> text)
    {
        var units = new List<char>(text.Length);
        var positions = new List<int>(text.Length + 1);
        for (int i = 0; i < text.Length;)
        {
            positions.Add(i);
            Rune.DecodeFromUtf16(text[i..], out Rune rune, out int length);
            units.Add(rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)]);
            i += length;
        }

        positions.Add(text.Length);
        return ([.. units], [.. positions]);
    }

    /// <summary>For each general category, its last character of the basic plane: the least likely to be named in an expression.</summary>
    private static char[] FindStandIns()
    {
        var result = new char[30];
        Array.Fill(result, '\uFFFD');
        for (int value = 0; value < 0xFFFE; value++)
        {
            if (!char.IsSurrogate((char)value))
            {
                result[(int)CharUnicodeInfo.GetUnicodeCategory(value)] = (char)value;
            }
        }

        return result;
    }

    private static string Translate(string expression, Func<string, TokenizerException> fault)
    {
        var output = new StringBuilder(expression.Length + 16);
        var openGroups = new Stack<int>();
        int classDepth = 0;
        int atom = 0; // where the part that a quantifier would apply to starts in the output
        for (int i = 0; i < expression.Length; i++)
        {
            char c = expression[i];
            if (c == '\\' && i + 1 < expression.Length)
            {
                atom = classDepth == 0 ? output.Length : atom;
                i = TranslateEscape(expression, i, classDepth > 0, output, fault);
            }
            else if (char.IsHighSurrogate(c) && i + 1 < expression.Length)
            {
                // Two units to .NET: kept together, so that a quantifier takes both.
                if (classDepth > 0)
                {
                    throw fault($"the regular expression '{expression}' has a character outside the basic plane in brackets, which .NET cannot express.");
                }

                atom = output.Length;
                output.Append("(?:").Append(c).Append(expression[++i]).Append(')');
            }
            else if (classDepth > 0)
            {
                classDepth += TranslateInClass(expression, i, output, fault);
            }
            else if (c == '[')
            {
                (atom, classDepth) = (output.Length, 1);
                output.Append(c);
                if (i + 1 < expression.Length && expression[i + 1] == '^')
                {
                    output.Append(expression[++i]);
                }

                if (i + 1 < expression.Length && expression[i + 1] == ']')
                {
                    output.Append("\\]");
                    i++;
                }
            }
            else if (c == '(')
            {
                openGroups.Push(output.Length);
                output.Append(c);
            }
            else if (c == ')')
            {
                atom = openGroups.Count > 0 ? openGroups.Pop() : output.Length;
                output.Append(c);
            }
            else if (c is '*' or '+' or '?' or '{')
            {
                i = CopyQuantifier(expression, i, atom, output);
            }
            else
            {
                atom = output.Length;
                output.Append(c);
            }
        }

        return output.ToString();
    }

    /// <summary>Copies a quantifier; a possessive one (<c>a++</c>) becomes an atomic group, which means the same.</summary>
    private static int CopyQuantifier(string expression, int i, int atom, StringBuilder output)
    {
        int end = i + 1;
        if (expression[i] == '{')
        {
            int close = expression.IndexOf('}', i);
            end = close < 0 ? end : close + 1;
        }

        output.Append(expression, i, end - i);
        if (end < expression.Length && expression[end] == '?')
        {
            output.Append('?');
            end++;
        }
        else if (end < expression.Length && expression[end] == '+' && expression[i] != '{')
        {
            output.Insert(atom, "(?>").Append(')');
            end++;
        }

        return end - 1;
    }

    private static int TranslateInClass(string expression, int i, StringBuilder output, Func<string, TokenizerException> fault)
    {
        char c = expression[i];
        char next = i + 1 < expression.Length ? expression[i + 1] : '\0';
        if (c == '&' && next == '&')
        {
            throw fault($"the regular expression '{expression}' intersects character classes (&&), which .NET cannot express.");
        }

        if (c == '[')
        {
            throw fault($"the regular expression '{expression}' nests character classes ([…[…]…]), which .NET cannot express.");
        }

        output.Append(c);
        return c == ']' ? -1 : 0;
    }

    /// <summary>Translates the escape at <paramref name="i"/> and returns the index of its last character.</summary>
    private static int TranslateEscape(string expression, int i, bool inClass, StringBuilder output, Func<string, TokenizerException> fault)
    {
        char c = expression[i + 1];
        switch (c)
        {
            case 'w':
                output.Append(inClass ? WordClass : LoneWordClass);
                return i + 1;
            case 'W' when !inClass:
                output.Append("[^").Append(LoneWordClass.AsSpan(1));
                return i + 1;
            case 'h':
                output.Append(inClass ? "0-9a-fA-F" : "[0-9a-fA-F]"); // Oniguruma: a hexadecimal digit
                return i + 1;
            case 'x' when i + 2 < expression.Length && expression[i + 2] == '{':
                int close = expression.IndexOf('}', i);
                if (close < 0 || !int.TryParse(expression.AsSpan(i + 3, close - i - 3), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int value)
                    || value is > 0xFFFF or < 0)
                {
                    throw fault($"the regular expression '{expression}' names a character outside the basic plane, which .NET cannot express.");
                }

                output.Append(CultureInfo.InvariantCulture, $"\\u{value:X4}");
                return close;
            case 'R' or 'X' or 'K' or 'y' or 'Y' or 'N' or 'O' or 'H':
                throw fault($"the regular expression '{expression}' uses \\{c}, which .NET cannot express.");
            default:
                output.Append('\\').Append(c);
                if (c is not ('p' or 'P') || i + 2 >= expression.Length)
                {
                    return i + 1;
                }

                // Names of properties are copied whole, so that their letters are not taken for anything else.
                int end = expression[i + 2] == '{' ? expression.IndexOf('}', i) : -1;
                if (end < 0)
                {
                    throw fault($"the regular expression '{expression}' has \\{c} without a name in braces.");
                }

                output.Append(expression, i + 2, end - i - 1);
                return end;
        }
    }
}
