using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Hieno.Formats.ChatTemplates.Runtime;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>A dictionary that keeps the order of insertion. Keys are text, numbers, truth values or none; 1, 1.0 and True are one key.</summary>
internal sealed class PythonDict
{
    private readonly OrderedDictionary<object, object?> _items = new(KeyComparer.Instance);

    public int Count => _items.Count;

    public IEnumerable<KeyValuePair<object?, object?>> Items =>
        _items.Select(item => new KeyValuePair<object?, object?>(item.Key is NoneKey ? null : item.Key, item.Value));

    public IEnumerable<object?> Keys => Items.Select(item => item.Key);

    public IEnumerable<object?> Values => _items.Values;

    public bool TryGet(object? key, out object? value) => _items.TryGetValue(Hashable(key), out value);

    public void Set(object? key, object? value) => _items[Hashable(key)] = value;

    private static object Hashable(object? key) => key switch
    {
        null => NoneKey.Instance,
        string or BigInteger or double or bool => key,
        _ => throw TemplateFault.Evaluation($"a {PythonType.NameOf(key)} cannot be the key of a dictionary"),
    };

    private sealed class NoneKey
    {
        public static readonly NoneKey Instance = new();
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y) =>
            x is string a ? y is string b && string.Equals(a, b, StringComparison.Ordinal)
            : ReferenceEquals(x, y) || (PythonNumber.IsNumber(x) && PythonNumber.IsNumber(y) && PythonNumber.Compare(x!, y!) == 0);

        // Equal numbers of different types have the same double.
        public int GetHashCode([DisallowNull] object obj) =>
            PythonNumber.IsNumber(obj) ? PythonNumber.ToDouble(obj).GetHashCode() : obj.GetHashCode();
    }
}
