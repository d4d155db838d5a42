using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Hieno.Recipes;

// Lists and dictionaries of a bound record compare by value, so that two records read from the same recipe are equal.
internal sealed class SettingList<T>(T[] items) : IReadOnlyList<T>, IEquatable<SettingList<T>>
{
    public int Count => items.Length;

    public T this[int index] => items[index];

    public bool Equals(SettingList<T>? other) => other is not null && items.AsSpan().SequenceEqual(other.ToArray());

    public override bool Equals(object? obj) => Equals(obj as SettingList<T>);

    public override int GetHashCode() => items.Aggregate(items.Length, HashCode.Combine);

    public IEnumerator<T> GetEnumerator() => items.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"[{string.Join(", ", items)}]";
}

// Keeps the order in which the entries were written, but is equal to one of another order.
internal sealed class SettingTable<T>(KeyValuePair<string, T>[] entries) : IReadOnlyDictionary<string, T>, IEquatable<SettingTable<T>>
{
    private readonly Dictionary<string, T> _values = new(entries, StringComparer.Ordinal);

    public int Count => entries.Length;

    public IEnumerable<string> Keys => entries.Select(e => e.Key);

    public IEnumerable<T> Values => entries.Select(e => e.Value);

    public T this[string key] => _values[key];

    public bool ContainsKey(string key) => _values.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out T value) => _values.TryGetValue(key, out value);

    public bool Equals(SettingTable<T>? other) => other is not null && other.Count == Count
        && entries.All(e => other.TryGetValue(e.Key, out var value) && EqualityComparer<T>.Default.Equals(e.Value, value));

    public override bool Equals(object? obj) => Equals(obj as SettingTable<T>);

    public override int GetHashCode() => entries.Aggregate(entries.Length, (sum, e) => sum ^ HashCode.Combine(e.Key, e.Value));

    public IEnumerator<KeyValuePair<string, T>> GetEnumerator() => entries.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"{{ {string.Join(", ", entries.Select(e => $"{e.Key}: {e.Value}"))} }}";
}
