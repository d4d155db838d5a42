namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>The word patterns of GPT-2, Llama 3 and Qwen, scanned by hand.</summary>
/// <remarks>
/// These patterns split most text that language models see. .NET's Regex reads UTF-16 units, so it finds no letter outside the basic
/// plane, and its look-ahead makes long runs of white space quadratic. One pass here decides each piece from the classes of the
/// characters it meets.
/// </remarks>
internal sealed class WordScanner
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
    private const string Spaces = @"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly Dictionary<string, WordScanner> Known = new(StringComparer.Ordinal)
    {
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = new WordScanner(),
        [Contractions + @"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+" + Spaces] = new WordScanner { _modern = true, _digits = 3 },
        [Contractions + @"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+" + Spaces] = new WordScanner { _modern = true, _digits = 1 },
        [Contractions + @"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+" + Spaces] =
            new WordScanner { _modern = true, _digits = 1, _letters = CharClass.Letter | CharClass.Mark },
    };

    private bool _modern;                            // Llama 3's shape rather than GPT-2's
    private int _digits = int.MaxValue;              // most digits in one piece
    private CharClass _letters = CharClass.Letter;   // what a word is made of

    private WordScanner()
    {
    }

    /// <summary>The scanner for GPT-2's pattern.</summary>
    public static WordScanner Gpt2 { get; } = new();

    /// <summary>The scanner for a regular expression, or null if the expression is none of the known ones.</summary>
    /// <remarks>Possessive quantifiers, and one line end instead of several after <c>\s*</c>, change nothing in these patterns.</remarks>
    public static WordScanner? For(string expression) => Known.GetValueOrDefault(expression
        .Replace("++", "+", StringComparison.Ordinal)
        .Replace("?+", "?", StringComparison.Ordinal)
        .Replace("]*+", "]*", StringComparison.Ordinal)
        .Replace(@"\s*[\r\n]|", @"\s*[\r\n]+|", StringComparison.Ordinal));

    /// <summary>Cuts a text into pieces that cover it.</summary>
    public void Split(ReadOnlySpan<char> text, PieceSink parts)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = _modern ? ModernEnd(text, start) : Gpt2End(text, start);
            parts.Add(start, end);
            start = end;
        }
    }

    // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
    private static int Gpt2End(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && ContractionLength(text[start..], ignoreCase: false) is int length and > 0)
        {
            return start + length;
        }

        int first = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
        CharClass kind = CharClasses.At(text, first, out _) & (CharClass.Letter | CharClass.Number | CharClass.Space);
        return kind == CharClass.Space ? SpaceEnd(text, start) : RunEnd(text, first, CharClass.Letter | CharClass.Number | CharClass.Space, kind);
    }

    // (?i:'s|…)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
    private int ModernEnd(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && ContractionLength(text[start..], ignoreCase: true) is int length and > 0)
        {
            return start + length;
        }

        CharClass kinds = _letters | CharClass.Number | CharClass.Space;
        CharClass kind = CharClasses.At(text, start, out int units) & kinds;
        if ((kind & _letters) != CharClass.None)
        {
            return LettersEnd(text, start);
        }

        if (kind == CharClass.Number)
        {
            int end = start;
            for (int digits = 0; digits < _digits && end < text.Length && CharClasses.At(text, end, out units).HasFlag(CharClass.Number); digits++)
            {
                end += units;
            }

            return end;
        }

        // One character of any other kind, except a line end, may lead a word.
        int next = start + units;
        if (text[start] is not ('\r' or '\n') && next < text.Length && (CharClasses.At(text, next, out _) & _letters) != CharClass.None)
        {
            return LettersEnd(text, next);
        }

        int symbol = text[start] == ' ' ? next : start;
        if (symbol < text.Length && (CharClasses.At(text, symbol, out _) & kinds) == CharClass.None)
        {
            int end = RunEnd(text, symbol, kinds, CharClass.None);
            while (end < text.Length && text[end] is '\r' or '\n')
            {
                end++;
            }

            return end;
        }

        return SpaceOrLinesEnd(text, start);
    }

    private int LettersEnd(ReadOnlySpan<char> text, int end)
    {
        while (end < text.Length && (CharClasses.At(text, end, out int units) & _letters) != CharClass.None)
        {
            end += units;
        }

        return end;
    }

    /// <summary>End of the run of characters whose classes, among <paramref name="mask"/>, are exactly <paramref name="kind"/>.</summary>
    private static int RunEnd(ReadOnlySpan<char> text, int end, CharClass mask, CharClass kind)
    {
        while (end < text.Length && (CharClasses.At(text, end, out int units) & mask) == kind)
        {
            end += units;
        }

        return end;
    }

    /// <summary><c>\s+(?!\S)|\s+</c>: the whole run at the end of the text, else all but its last character, else that one.</summary>
    private static int SpaceEnd(ReadOnlySpan<char> text, int start)
    {
        int end = RunEnd(text, start, CharClass.Space, CharClass.Space);
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    /// <summary><c>\s*[\r\n]+</c> comes first: a run with a line end in it stops after the last one.</summary>
    private static int SpaceOrLinesEnd(ReadOnlySpan<char> text, int start)
    {
        int end = RunEnd(text, start, CharClass.Space, CharClass.Space);
        int lineEnd = text[start..end].LastIndexOfAny('\r', '\n');
        return lineEnd >= 0 ? start + lineEnd + 1 : SpaceEnd(text, start);
    }

    /// <summary>Length of 's 't 'm 'd 're 've 'll at the start of a text that starts with an apostrophe, else 0.</summary>
    private static int ContractionLength(ReadOnlySpan<char> text, bool ignoreCase)
    {
        char first = Letter(text, 1, ignoreCase);
        if (first is 's' or 't' or 'm' or 'd')
        {
            return 2;
        }

        char second = Letter(text, 2, ignoreCase);
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    private static char Letter(ReadOnlySpan<char> text, int index, bool ignoreCase)
    {
        char c = index < text.Length ? text[index] : '\0';
        if (!ignoreCase)
        {
            return c;
        }

        return c == '\u017F' ? 's' : char.ToLowerInvariant(c); // the long s folds to s
    }
}
