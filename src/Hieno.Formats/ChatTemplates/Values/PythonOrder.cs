using Hieno.Formats.ChatTemplates.Runtime;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>Python's ==, &lt;, in.</summary>
internal static class PythonOrder
{
    public static bool AreEqual(object? a, object? b, Budget budget)
    {
        budget.Enter();
        bool equal = (a, b) switch
        {
            (string x, string y) => AreEqual(x, y, budget),
            (List<object?> x, List<object?> y) => AreEqual(x, y, budget),
            (object?[] x, object?[] y) => AreEqual(x, y, budget),
            (PythonDict x, PythonDict y) => AreEqual(x, y, budget),
            (PythonRange x, PythonRange y) => AreEqual(x.Elements().ToList(), y.Elements().ToList(), budget),
            (Undefined, Undefined) => true,
            _ when PythonNumber.IsNumber(a) && PythonNumber.IsNumber(b) => PythonNumber.Compare(a!, b!) == 0,
            _ => ReferenceEquals(a, b),
        };
        budget.Leave();
        return equal;
    }

    /// <summary>a op b, where op is &lt;, &lt;=, &gt; or &gt;=.</summary>
    /// <exception cref="TemplateFault">The two have no order.</exception>
    public static bool Holds(string op, object? a, object? b, Budget budget) => Compare(op, a, b, budget) is int order && op switch
    {
        "<" => order < 0,
        "<=" => order <= 0,
        ">" => order > 0,
        _ => order >= 0,
    };

    /// <summary>Sign of a − b, or null where Python finds neither smaller (NaN).</summary>
    /// <exception cref="TemplateFault">The two have no order.</exception>
    public static int? Compare(string op, object? a, object? b, Budget budget)
    {
        budget.Enter();
        int? order = (a, b) switch
        {
            (Undefined u, _) => throw u.Fault(),
            (_, Undefined u) => throw u.Fault(),
            (string x, string y) => CompareText(x, y, budget),
            (List<object?> x, List<object?> y) => CompareItems(op, x, y, budget),
            (object?[] x, object?[] y) => CompareItems(op, x, y, budget),
            _ when PythonNumber.IsNumber(a) && PythonNumber.IsNumber(b) => PythonNumber.Compare(a!, b!),
            _ => throw TemplateFault.Evaluation(
                $"'{op}' is not supported between '{PythonType.NameOf(a)}' and '{PythonType.NameOf(b)}'"),
        };
        budget.Leave();
        return order;
    }

    /// <summary>item in container: a part of a text, a key of a dictionary, an element of anything else.</summary>
    public static bool Contains(object? container, object? item, Budget budget)
    {
        switch (container)
        {
            case string text:
                budget.Read(text.Length);
                return item is string part
                    ? text.Contains(part, StringComparison.Ordinal)
                    : throw (item as Undefined)?.Fault() ?? TemplateFault.Evaluation(
                        $"'in' a text looks for a text, not for '{PythonType.NameOf(item)}'");
            case PythonDict dict:
                return item is not (Undefined or object?[]) && dict.TryGet(item, out _); // neither is ever a key here
            default:
                foreach (object? element in PythonType.Iterate(container))
                {
                    if (AreEqual(element, item, budget))
                    {
                        return true;
                    }
                }

                return false;
        }
    }

    /// <summary>The items in ascending order of their keys; equal ones keep their order.</summary>
    /// <remarks>A merge sort of our own: .NET's sorts wrap the exception of a comparison that is refused.</remarks>
    public static List<T> Sort<T>(IReadOnlyList<T> items, Func<T, object?> key, bool descending, Budget budget)
    {
        var sorted = items.Select(item => (Item: item, Key: key(item))).ToArray();
        var merged = new (T Item, object? Key)[sorted.Length];
        for (int width = 1; width < sorted.Length; width *= 2)
        {
            for (int start = 0; start < sorted.Length; start += 2 * width)
            {
                int left = start, middle = Math.Min(start + width, sorted.Length), right = middle;
                int end = Math.Min(start + (2 * width), sorted.Length);
                for (int i = start; i < end; i++)
                {
                    bool takesRight = left == middle || (right < end && GoesBefore(sorted[right].Key, sorted[left].Key, descending, budget));
                    merged[i] = takesRight ? sorted[right++] : sorted[left++];
                }
            }

            (sorted, merged) = (merged, sorted);
        }

        return sorted.Select(pair => pair.Item).ToList();
    }

    private static bool GoesBefore(object? a, object? b, bool descending, Budget budget) =>
        descending ? Compare("<", b, a, budget) < 0 : Compare("<", a, b, budget) < 0;

    private static bool AreEqual(string a, string b, Budget budget)
    {
        budget.Read(Math.Min(a.Length, b.Length));
        return string.Equals(a, b, StringComparison.Ordinal);
    }

    private static bool AreEqual(IReadOnlyList<object?> a, IReadOnlyList<object?> b, Budget budget)
    {
        bool equal = a.Count == b.Count;
        for (int i = 0; equal && i < a.Count; i++)
        {
            equal = AreEqual(a[i], b[i], budget);
        }

        return equal;
    }

    private static bool AreEqual(PythonDict a, PythonDict b, Budget budget) =>
        a.Count == b.Count && a.Items.All(item => b.TryGet(item.Key, out object? other) && AreEqual(item.Value, other, budget));

    private static int? CompareItems(string op, IReadOnlyList<object?> a, IReadOnlyList<object?> b, Budget budget)
    {
        for (int i = 0; i < Math.Min(a.Count, b.Count); i++)
        {
            if (!AreEqual(a[i], b[i], budget))
            {
                return Compare(op, a[i], b[i], budget);
            }
        }

        return a.Count.CompareTo(b.Count);
    }

    /// <summary>By code point. UTF-16 order differs where a surrogate meets a character above the surrogates.</summary>
    private static int CompareText(string a, string b, Budget budget)
    {
        int length = Math.Min(a.Length, b.Length);
        budget.Read(length);
        for (int i = 0; i < length; i++)
        {
            if (a[i] != b[i])
            {
                bool isPairA = char.IsSurrogate(a[i]), isPairB = char.IsSurrogate(b[i]);
                return isPairA == isPairB ? a[i].CompareTo(b[i]) : isPairA.CompareTo(isPairB);
            }
        }

        return a.Length.CompareTo(b.Length);
    }
}
