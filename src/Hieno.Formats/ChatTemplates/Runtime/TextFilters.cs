using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Filters that give text. A value of another type is printed first.</summary>
internal static class TextFilters
{
    public static object? String(Evaluator evaluator, object? value, BoundArguments arguments) => evaluator.Text(value);

    public static object? Upper(Evaluator evaluator, object? value, BoundArguments arguments) => evaluator.Text(value).ToUpperInvariant();

    public static object? Lower(Evaluator evaluator, object? value, BoundArguments arguments) => evaluator.Text(value).ToLowerInvariant();

    public static object? Capitalize(Evaluator evaluator, object? value, BoundArguments arguments) =>
        StringMethods.Capitalize(evaluator.Text(value));

    /// <summary>Capitalizes behind blanks, dashes and opening brackets only; the method str.title does so behind every non-letter.</summary>
    public static object? Title(Evaluator evaluator, object? value, BoundArguments arguments) =>
        TitleCase(evaluator.Text(value));

    public static object? Trim(Evaluator evaluator, object? value, BoundArguments arguments) =>
        StringMethods.Strip(evaluator.Text(value), arguments, left: true, right: true, evaluator.Budget);

    public static object? Replace(Evaluator evaluator, object? value, BoundArguments arguments) => StringMethods.Replace(
        evaluator.Text(value), evaluator.Text(arguments[0]), evaluator.Text(arguments[1]), arguments.IntegerOr(2, -1), evaluator.Budget);

    public static object? WordCount(Evaluator evaluator, object? value, BoundArguments arguments) =>
        new BigInteger(CountWords(evaluator.Text(value)));

    public static object? Center(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        string text = evaluator.Text(value);
        int width = arguments.IntegerOr(0, 80);
        int missing = Math.Max(0, width - Characters.Count(text));
        evaluator.Budget.Text((long)text.Length + missing);

        // Python puts the odd blank to the left when the width is odd.
        int left = (missing / 2) + (missing & width & 1);
        return new string(' ', left) + text + new string(' ', missing - left);
    }

    /// <summary>Indents all lines but the first, and but the blank ones.</summary>
    public static object? Indent(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        string text = value as string ?? throw (value as Undefined)?.Fault()
            ?? TemplateFault.Evaluation($"filter 'indent' needs a text, got a {PythonType.NameOf(value)}");
        var budget = evaluator.Budget;
        string indentation;
        if (arguments[0] is string given)
        {
            indentation = given;
        }
        else
        {
            int width = Math.Max(0, arguments.IntegerOr(0, 4));
            budget.Text(width);
            indentation = new string(' ', width);
        }

        bool indentsFirst = arguments.IsTrue(1), indentsBlank = arguments.IsTrue(2);
        var lines = StringMethods.SplitLines(text + "\n", keepsEnds: false, budget).Cast<string>().ToList();
        budget.Text(text.Length + ((long)lines.Count * indentation.Length));
        var indented = lines.Select((line, i) => i == 0
            ? (indentsFirst ? indentation : "") + line
            : line.Length > 0 || indentsBlank ? indentation + line : line);
        return string.Join('\n', indented);
    }

    public static object? ToJson(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        string? indent = arguments[1] switch
        {
            null => null,
            string text => text,
            _ => new string(' ', Math.Clamp(arguments.IntegerOr(1, 0), 0, 1000)),
        };
        (string itemSeparator, string keySeparator) = (indent is null ? ", " : ",", ": ");
        if (arguments.HasValue(2))
        {
            (itemSeparator, keySeparator) = PythonType.ToList(arguments[2], evaluator.Budget) is [string item, string key]
                ? (item, key)
                : throw TemplateFault.Evaluation("filter 'tojson' needs two texts as 'separators'");
        }

        var layout = new JsonLayout(arguments.IsTrue(0), indent, itemSeparator, keySeparator, arguments.IsTrue(3));
        return PythonJson.Write(value, layout, evaluator.Budget);
    }

    private static string TitleCase(string text)
    {
        var result = new StringBuilder(text.Length);
        bool startsWord = true;
        foreach (char c in text)
        {
            result.Append(startsWord ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c));
            startsWord = c is '-' or '(' or '{' or '[' or '<' || Characters.IsSpace(c);
        }

        return result.ToString();
    }

    private static int CountWords(string text)
    {
        int words = 0;
        bool isInside = false;
        foreach (char c in text)
        {
            bool isWord = c == '_' || char.IsLetterOrDigit(c);
            words += isWord && !isInside ? 1 : 0;
            isInside = isWord;
        }

        return words;
    }
}
