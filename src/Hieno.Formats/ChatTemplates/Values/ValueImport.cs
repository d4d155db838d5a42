using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Hieno.Formats.ChatTemplates.Runtime;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>Copies .NET values into the template's own types, so that nothing a template does can reach the caller's objects.</summary>
internal static class ValueImport
{
    /// <summary>The value for the template.</summary>
    /// <param name="value">Null, text, a number, a truth value, a JSON element, or dictionaries and lists of these.</param>
    /// <param name="path">Where the value stands, for errors.</param>
    /// <param name="budget">Bounds nesting and size.</param>
    public static object? From(object? value, string path, Budget budget)
    {
        budget.Enter();
        object? imported = value switch
        {
            null or string or bool or BigInteger or double => value,
            int or long or short or byte or sbyte or ushort or uint or ulong or Int128 or UInt128 =>
                BigInteger.Parse(Convert.ToString(value, CultureInfo.InvariantCulture)!, CultureInfo.InvariantCulture),
            float or decimal or Half => FloatOf(value),
            char c => c.ToString(),
            JsonElement json => FromJson(json, path, budget),
            IReadOnlyDictionary<string, object?> dict => FromPairs(dict, path, budget),
            IReadOnlyDictionary<string, string> dict => FromPairs(dict.Select(p => KeyValuePair.Create(p.Key, (object?)p.Value)), path, budget),
            IDictionary dict => FromDictionary(dict, path, budget),
            IEnumerable items => FromList(items.Cast<object?>(), path, budget),
            _ => throw new TemplateFault(
                FaultKind.Evaluation,
                $"the value given for {path} is a {value.GetType().Name}, which templates do not know",
                "Give text, numbers, truth values, JSON elements, or dictionaries and lists of these"),
        };
        budget.Leave();
        return imported;
    }

    /// <summary>The double with the same shortest text, so that 0.1f prints as 0.1.</summary>
    private static double FloatOf(object value) =>
        double.Parse(Convert.ToString(value, CultureInfo.InvariantCulture)!, CultureInfo.InvariantCulture);

    private static object? FromJson(JsonElement json, string path, Budget budget)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                return FromPairs(json.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, (object?)p.Value)), path, budget);
            case JsonValueKind.Array:
                return FromList(json.EnumerateArray().Select(object? (item) => item), path, budget);
            case JsonValueKind.String:
                return json.GetString();
            case JsonValueKind.Number:
                // As Python's reader: a fraction or an exponent makes a float, everything else is an integer of any length.
                string number = json.GetRawText();
                budget.Read(number.Length * (long)number.Length);
                return number.AsSpan().IndexOfAny('.', 'e', 'E') >= 0
                    ? double.Parse(number, CultureInfo.InvariantCulture)
                    : BigInteger.Parse(number, CultureInfo.InvariantCulture);
            case JsonValueKind.True or JsonValueKind.False:
                return json.ValueKind == JsonValueKind.True;
            default:
                return null;
        }
    }

    private static PythonDict FromDictionary(IDictionary source, string path, Budget budget)
    {
        var dict = new PythonDict();
        foreach (DictionaryEntry entry in source)
        {
            dict.Set(From(entry.Key, path, budget), From(entry.Value, $"{path}[{entry.Key}]", budget));
        }

        return dict;
    }

    private static PythonDict FromPairs(IEnumerable<KeyValuePair<string, object?>> pairs, string path, Budget budget)
    {
        var dict = new PythonDict();
        foreach ((string key, object? value) in pairs)
        {
            dict.Set(key, From(value, path.Length < 200 ? $"{path}.{key}" : path, budget));
        }

        return dict;
    }

    private static List<object?> FromList(IEnumerable<object?> items, string path, Budget budget)
    {
        var list = new List<object?>();
        foreach (object? item in items)
        {
            list.Add(From(item, path.Length < 200 ? $"{path}[{list.Count}]" : path, budget));
        }

        return list;
    }
}
