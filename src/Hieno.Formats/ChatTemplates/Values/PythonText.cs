using System.Globalization;
using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Runtime;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>str() and repr(): how Python prints values.</summary>
internal static class PythonText
{
    /// <summary>What <c>{{ value }}</c> writes: text as it is, undefined as nothing, everything else as repr() does.</summary>
    public static string Of(object? value, Budget budget) => value switch
    {
        string s => s,
        Undefined => "",
        _ => Representation(value, budget),
    };

    /// <summary>The value as it stands in source code: text with quotes.</summary>
    public static string Representation(object? value, Budget budget)
    {
        var text = new StringBuilder();
        Append(text, value, budget);
        budget.Text(text.Length);
        return text.ToString();
    }

    private static void Append(StringBuilder text, object? value, Budget budget)
    {
        budget.Enter();
        budget.CheckLength(text.Length); // shared parts can make a small value print endlessly
        switch (value)
        {
            case null: text.Append("None"); break;
            case string s: AppendQuoted(text, s, budget); break;
            case bool or BigInteger or double: text.Append(PythonNumber.ToText(value)); break;
            case Undefined: text.Append("Undefined"); break;
            case List<object?> list: AppendItems(text, "[", list, "]", budget); break;
            case object?[] tuple: AppendItems(text, "(", tuple, tuple.Length == 1 ? ",)" : ")", budget); break;
            case PythonDict dict: AppendDict(text, dict, budget); break;
            case DictView view: AppendItems(text, view.Kind + "([", view.Items, "])", budget); break;
            case PythonRange { Step.IsOne: true } r: text.Append(CultureInfo.InvariantCulture, $"range({r.Start}, {r.Stop})"); break;
            case PythonRange r: text.Append(CultureInfo.InvariantCulture, $"range({r.Start}, {r.Stop}, {r.Step})"); break;
            case Namespace space:
                text.Append("<Namespace ");
                AppendDict(text, space.Attributes, budget);
                text.Append('>');
                break;
            case Callable callable: text.Append('<').Append(PythonType.NameOf(value)).Append(" '").Append(callable.Name).Append("'>"); break;
            default: text.Append('<').Append(PythonType.NameOf(value)).Append(" object>"); break;
        }

        budget.Leave();
    }

    private static void AppendItems(StringBuilder text, string open, IReadOnlyList<object?> items, string close, Budget budget)
    {
        text.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            text.Append(i > 0 ? ", " : "");
            Append(text, items[i], budget);
        }

        text.Append(close);
    }

    private static void AppendDict(StringBuilder text, PythonDict dict, Budget budget)
    {
        text.Append('{');
        string separator = "";
        foreach ((object? key, object? item) in dict.Items)
        {
            text.Append(separator);
            Append(text, key, budget);
            text.Append(": ");
            Append(text, item, budget);
            separator = ", ";
        }

        text.Append('}');
    }

    /// <summary>Quotes with ' unless only " avoids an escape, and escapes what cannot be printed.</summary>
    private static void AppendQuoted(StringBuilder text, string value, Budget budget)
    {
        budget.Read(value.Length);
        char quote = value.Contains('\'', StringComparison.Ordinal) && !value.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        text.Append(quote);
        for (int i = 0; i < value.Length; i++)
        {
            int code = char.IsSurrogatePair(value, i) ? char.ConvertToUtf32(value, i++) : value[i];
            switch (code)
            {
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\\': text.Append("\\\\"); break;
                case var _ when code == quote: text.Append('\\').Append(quote); break;
                case var _ when IsPrintable(code): text.Append(value, code > 0xFFFF ? i - 1 : i, code > 0xFFFF ? 2 : 1); break;
                case <= 0xFF: text.Append(CultureInfo.InvariantCulture, $"\\x{code:x2}"); break;
                case <= 0xFFFF: text.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}"); break;
                default: text.Append(CultureInfo.InvariantCulture, $"\\U{code:x8}"); break;
            }
        }

        text.Append(quote);
    }

    private static bool IsPrintable(int code) => code == ' ' || CharUnicodeInfo.GetUnicodeCategory(code) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);
}
