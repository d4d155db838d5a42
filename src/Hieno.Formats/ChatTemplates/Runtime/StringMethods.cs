using System.Buffers;
using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>The methods of Python's str.</summary>
/// <remarks>Upper and lower case map character by character, so the few letters that Python maps to several keep theirs.</remarks>
internal static class StringMethods
{
    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029");

    /// <summary>The method of that name bound to the text, or null.</summary>
    public static Function? Find(string text, string name, Budget budget)
    {
        Func<Arguments, object?>? body = name switch
        {
            "strip" => a => Strip(text, a.Bind("str.strip", 0, "chars"), left: true, right: true, budget),
            "lstrip" => a => Strip(text, a.Bind("str.lstrip", 0, "chars"), left: true, right: false, budget),
            "rstrip" => a => Strip(text, a.Bind("str.rstrip", 0, "chars"), left: false, right: true, budget),
            "split" => a => Split(text, a.Bind("str.split", 0, "sep", "maxsplit"), budget),
            "rsplit" => a => SplitFromRight(text, a.Bind("str.rsplit", 0, "sep", "maxsplit"), budget),
            "splitlines" => a => SplitLines(text, a.Bind("str.splitlines", 0, "keepends").IsTrue(0), budget),
            "partition" => a => Partition(text, a.Bind("str.partition", 1, "sep").Text(0), last: false),
            "rpartition" => a => Partition(text, a.Bind("str.rpartition", 1, "sep").Text(0), last: true),
            "startswith" => a => AnyAffix(a.Bind("str.startswith", 1, "prefix"), p => text.StartsWith(p, StringComparison.Ordinal)),
            "endswith" => a => AnyAffix(a.Bind("str.endswith", 1, "suffix"), s => text.EndsWith(s, StringComparison.Ordinal)),
            "removeprefix" => a => a.Bind("str.removeprefix", 1, "prefix").Text(0) is var p && text.StartsWith(p, StringComparison.Ordinal) ? text[p.Length..] : text,
            "removesuffix" => a => a.Bind("str.removesuffix", 1, "suffix").Text(0) is var s && text.EndsWith(s, StringComparison.Ordinal) ? text[..^s.Length] : text,
            "replace" => a => a.Bind("str.replace", 2, "old", "new", "count") is var b ? Replace(text, b.Text(0), b.Text(1), b.IntegerOr(2, -1), budget) : null,
            "find" => a => Index(text, a.Bind("str.find", 1, "sub").Text(0), last: false),
            "rfind" => a => Index(text, a.Bind("str.rfind", 1, "sub").Text(0), last: true),
            "index" => a => Index(text, a.Bind("str.index", 1, "sub").Text(0), last: false) is { Sign: >= 0 } i ? i : throw TemplateFault.Evaluation("the part is not in the text"),
            "count" => a => new BigInteger(CountOf(text, a.Bind("str.count", 1, "sub").Text(0))),
            "join" => a => Join(text, a.Bind("str.join", 1, "items")[0], budget),
            "upper" => _ => text.ToUpperInvariant(),
            "lower" => _ => text.ToLowerInvariant(),
            "title" => _ => Title(text),
            "capitalize" => _ => Capitalize(text),
            "swapcase" => _ => string.Concat(text.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c))),
            "isupper" => _ => IsCased(text, char.IsUpper, char.IsLower),
            "islower" => _ => IsCased(text, char.IsLower, char.IsUpper),
            "isdigit" or "isnumeric" or "isdecimal" => _ => text.Length > 0 && text.All(char.IsDigit),
            "isalpha" => _ => text.Length > 0 && text.All(char.IsLetter),
            "isalnum" => _ => text.Length > 0 && text.All(char.IsLetterOrDigit),
            "isspace" => _ => text.Length > 0 && text.All(Characters.IsSpace),
            "ljust" => a => Justify(text, a.Bind("str.ljust", 1, "width", "fillchar"), budget, leftShare: 0),
            "rjust" => a => Justify(text, a.Bind("str.rjust", 1, "width", "fillchar"), budget, leftShare: 1),
            "zfill" => a => ZeroFill(text, a.Bind("str.zfill", 1, "width").IntegerOr(0, 0), budget),
            _ => null,
        };
        return body is null ? null : new Function(name, arguments =>
        {
            budget.Read(text.Length);
            return body(arguments);
        });
    }

    /// <summary>Drops white space, or any of the given characters, from the ends.</summary>
    public static string Strip(string text, BoundArguments arguments, bool left, bool right, Budget budget)
    {
        string? set = arguments.HasValue(0) ? arguments.Text(0) : null;
        budget.Work(set?.Length ?? 0);
        var characters = set is null ? null : Characters.Split(set).ToHashSet(StringComparer.Ordinal);
        int start = 0, end = text.Length;
        while (left && start < end && Length(start) is > 0 and int length)
        {
            start += length;
        }

        while (right && end > start)
        {
            int length = end - start >= 2 && char.IsSurrogatePair(text, end - 2) ? 2 : 1;
            if (Length(end - length) == 0)
            {
                break;
            }

            end -= length;
        }

        return text[start..end];

        // UTF-16 length of the character there if it is to go, otherwise 0.
        int Length(int at)
        {
            int length = char.IsSurrogatePair(text, at) ? 2 : 1;
            bool goes = characters is null ? Characters.IsSpace(text[at]) : characters.Contains(text.Substring(at, length));
            return goes ? length : 0;
        }
    }

    public static string Replace(string text, string old, string replacement, int count, Budget budget)
    {
        int found = count < 0 && old.Length > 0 ? CountOf(text, old) : Math.Min((uint)count, CountOf(text, old)) is var n ? (int)n : 0;
        budget.Text(text.Length + (found * ((long)replacement.Length - old.Length)));
        if (old.Length == 0)
        {
            // The empty text is found before each character and at the end.
            var pieces = Characters.Split(text);
            return string.Concat(pieces.Select((piece, i) => i < found ? replacement + piece : piece)) + (found > pieces.Count ? replacement : "");
        }

        var result = new StringBuilder();
        int at = 0;
        for (; found > 0; found--)
        {
            int next = text.IndexOf(old, at, StringComparison.Ordinal);
            result.Append(text, at, next - at).Append(replacement);
            at = next + old.Length;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    public static string Join(string separator, object? items, Budget budget)
    {
        var parts = new List<string>();
        foreach (object? item in PythonType.ToList(items, budget))
        {
            parts.Add(item as string ?? throw TemplateFault.Evaluation($"str.join needs texts, element {parts.Count} is a {PythonType.NameOf(item)}"));
        }

        return Join(separator, parts, budget);
    }

    public static string Join(string separator, IReadOnlyList<string> parts, Budget budget)
    {
        budget.Text(parts.Sum(part => (long)part.Length) + ((long)separator.Length * Math.Max(0, parts.Count - 1)));
        return string.Join(separator, parts);
    }

    /// <summary>Lines without their ends, at every kind of line end Python knows.</summary>
    public static List<object?> SplitLines(string text, bool keepsEnds, Budget budget)
    {
        var lines = new List<object?>();
        for (int start = 0; start < text.Length;)
        {
            int end = text.AsSpan(start).IndexOfAny(LineEnds) is >= 0 and int offset ? start + offset : text.Length;
            int next = end == text.Length ? end : end + (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? 2 : 1);
            lines.Add(text[start..(keepsEnds ? next : end)]);
            budget.Work();
            start = next;
        }

        return lines;
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    private static List<object?> Split(string text, BoundArguments arguments, Budget budget)
    {
        int most = arguments.IntegerOr(1, -1);
        var parts = new List<object?>();
        if (!arguments.HasValue(0))
        {
            int at = SkipSpace(text, 0);
            while (at < text.Length)
            {
                int end = at;
                while (end < text.Length && !(parts.Count != most && Characters.IsSpace(text[end])))
                {
                    end++;
                }

                // What is left after the last split is one part, with its inner and trailing space.
                parts.Add(text[at..end]);
                budget.Work();
                at = SkipSpace(text, end);
            }

            return parts;
        }

        string separator = Separator(arguments);
        int start = 0;
        while (parts.Count != most && text.IndexOf(separator, start, StringComparison.Ordinal) is >= 0 and int next)
        {
            parts.Add(text[start..next]);
            budget.Work();
            start = next + separator.Length;
        }

        parts.Add(text[start..]);
        return parts;
    }

    private static List<object?> SplitFromRight(string text, BoundArguments arguments, Budget budget)
    {
        int most = arguments.IntegerOr(1, -1);
        if (most < 0)
        {
            return Split(text, arguments, budget);
        }

        if (!arguments.HasValue(0))
        {
            throw TemplateFault.Evaluation("str.rsplit with a maximum needs a separator here");
        }

        string separator = Separator(arguments);
        var parts = new List<object?>();
        int end = text.Length;
        while (parts.Count != most && text.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal) is >= 0 and int at)
        {
            parts.Add(text[(at + separator.Length)..end]);
            budget.Work();
            end = at;
        }

        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    private static string Separator(BoundArguments arguments) =>
        arguments.Text(0) is { Length: > 0 } separator ? separator : throw TemplateFault.Evaluation("a text cannot be split at an empty separator");

    private static int SkipSpace(string text, int at)
    {
        while (at < text.Length && Characters.IsSpace(text[at]))
        {
            at++;
        }

        return at;
    }

    private static object?[] Partition(string text, string separator, bool last)
    {
        if (separator.Length == 0)
        {
            throw TemplateFault.Evaluation("a text cannot be split at an empty separator");
        }

        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return at >= 0 ? [text[..at], separator, text[(at + separator.Length)..]] : last ? ["", "", text] : [text, "", ""];
    }

    private static bool AnyAffix(BoundArguments arguments, Func<string, bool> matches) => arguments[0] is object?[] choices
        ? choices.Any(choice => choice is string affix && matches(affix))
        : matches(arguments.Text(0));

    private static BigInteger Index(string text, string part, bool last)
    {
        int at = last && part.Length > 0 ? text.LastIndexOf(part, StringComparison.Ordinal)
            : last ? text.Length
            : text.IndexOf(part, StringComparison.Ordinal);
        return at <= 0 ? at : Characters.Count(text[..at]);
    }

    private static int CountOf(string text, string part) => part.Length == 0 ? Characters.Count(text) + 1 : text.AsSpan().Count(part);

    private static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool isInside = false;
        foreach (char c in text)
        {
            result.Append(isInside ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            isInside = char.IsLetter(c);
        }

        return result.ToString();
    }

    private static bool IsCased(string text, Func<char, bool> wanted, Func<char, bool> other) => text.Any(wanted) && !text.Any(other);

    private static string Justify(string text, BoundArguments arguments, Budget budget, int leftShare)
    {
        string fill = arguments.TextOr(1, " ");
        int width = arguments.IntegerOr(0, 0);
        int missing = Math.Max(0, width - Characters.Count(text));
        budget.Text((long)text.Length + missing);
        return fill.Length != 1 ? throw TemplateFault.Evaluation("the fill character must be one character")
            : leftShare == 1 ? new string(fill[0], missing) + text : text + new string(fill[0], missing);
    }

    private static string ZeroFill(string text, int width, Budget budget)
    {
        budget.Text(Math.Max(width, text.Length));
        int sign = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        return text.Length >= width ? text : text[..sign] + text[sign..].PadLeft(width - sign, '0');
    }
}
