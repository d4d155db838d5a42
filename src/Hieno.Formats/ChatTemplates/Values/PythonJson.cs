using System.Globalization;
using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Runtime;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>How tojson lays out its text.</summary>
/// <param name="AsciiOnly">Writes other characters as \u escapes. Default false.</param>
/// <param name="Indent">One level of indentation, or null for everything on one line.</param>
/// <param name="ItemSeparator">Between elements.</param>
/// <param name="KeySeparator">Between a key and its value.</param>
/// <param name="SortKeys">Orders dictionaries by key.</param>
internal sealed record JsonLayout(bool AsciiOnly, string? Indent, string ItemSeparator, string KeySeparator, bool SortKeys);

/// <summary>json.dumps: values as Python writes them in JSON, which is not HTML-escaped and puts a space behind , and :.</summary>
internal sealed class PythonJson(JsonLayout layout, Budget budget)
{
    private readonly StringBuilder _text = new();

    public static string Write(object? value, JsonLayout layout, Budget budget)
    {
        var json = new PythonJson(layout, budget);
        json.Append(value, "\n");
        budget.Text(json._text.Length);
        return json._text.ToString();
    }

    private void Append(object? value, string newline)
    {
        budget.Enter();
        budget.CheckLength(_text.Length); // shared parts can make a small value print endlessly
        switch (value)
        {
            case null: _text.Append("null"); break;
            case bool b: _text.Append(b ? "true" : "false"); break;
            case string s: AppendString(s); break;
            case BigInteger or double: _text.Append(NumberText(value)); break;
            case List<object?> list: AppendList(list, newline); break;
            case object?[] tuple: AppendList(tuple, newline); break;
            case PythonDict dict: AppendDict(dict, newline); break;
            default: throw TemplateFault.Evaluation($"a value of type {PythonType.NameOf(value)} cannot be written as JSON");
        }

        budget.Leave();
    }

    private static string NumberText(object value) => PythonNumber.ToText(value) switch
    {
        "nan" => "NaN",
        "inf" => "Infinity",
        "-inf" => "-Infinity",
        string text => text,
    };

    private void AppendList(IReadOnlyList<object?> items, string newline)
    {
        _text.Append('[');
        string inner = newline + layout.Indent;
        for (int i = 0; i < items.Count; i++)
        {
            BeginItem(i == 0, inner);
            Append(items[i], inner);
        }

        End(']', items.Count, newline);
    }

    private void AppendDict(PythonDict dict, string newline)
    {
        _text.Append('{');
        string inner = newline + layout.Indent;
        var items = layout.SortKeys
            ? PythonOrder.Sort([.. dict.Items], item => item.Key, descending: false, budget)
            : dict.Items;
        bool isFirst = true;
        foreach ((object? key, object? value) in items)
        {
            BeginItem(isFirst, inner);
            AppendString(key switch
            {
                string s => s,
                null => "null",
                bool b => b ? "true" : "false",
                _ => NumberText(key),
            });
            _text.Append(layout.KeySeparator);
            Append(value, inner);
            isFirst = false;
        }

        End('}', dict.Count, newline);
    }

    private void BeginItem(bool isFirst, string newline) =>
        _text.Append(isFirst ? "" : layout.ItemSeparator).Append(layout.Indent is null ? "" : newline);

    private void End(char bracket, int count, string newline) =>
        _text.Append(layout.Indent is null || count == 0 ? "" : newline).Append(bracket);

    private void AppendString(string value)
    {
        budget.Read(value.Length);
        _text.Append('"');
        foreach (char c in value)
        {
            switch (c)
            {
                case '"': _text.Append("\\\""); break;
                case '\\': _text.Append("\\\\"); break;
                case '\n': _text.Append("\\n"); break;
                case '\r': _text.Append("\\r"); break;
                case '\t': _text.Append("\\t"); break;
                case '\f': _text.Append("\\f"); break;
                case '\b': _text.Append("\\b"); break;
                case var _ when c < ' ' || (layout.AsciiOnly && c > '~'):
                    _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default: _text.Append(c); break;
            }
        }

        _text.Append('"');
    }
}
