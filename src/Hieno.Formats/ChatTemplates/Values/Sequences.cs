using System.Numerics;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>range(start, stop, step): evenly spaced integers, made when they are asked for.</summary>
internal sealed record PythonRange(BigInteger Start, BigInteger Stop, BigInteger Step)
{
    // The sandbox of Jinja has the same bound.
    private const int MaxCount = 100_000;

    public int Count { get; } = CountOf(Start, Stop, Step);

    public BigInteger this[int index] => Start + (index * Step);

    public IEnumerable<object?> Elements()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    private static int CountOf(BigInteger start, BigInteger stop, BigInteger step)
    {
        if (step.IsZero)
        {
            throw TemplateFault.Evaluation("the step of a range is zero");
        }

        var span = (step.Sign > 0 ? stop - start : start - stop) - 1;
        var count = span.Sign < 0 ? BigInteger.Zero : (span / BigInteger.Abs(step)) + 1;
        return count <= MaxCount
            ? (int)count
            : throw TemplateFault.Evaluation($"a range has more than {MaxCount:N0} elements");
    }
}

/// <summary>What dict.items(), keys() and values() give: elements that can be walked and counted, but not indexed.</summary>
/// <param name="Kind">dict_items, dict_keys or dict_values.</param>
/// <param name="Items">The elements.</param>
internal sealed record DictView(string Kind, List<object?> Items);

/// <summary>What map, select and their kin give: elements that can be walked once, and neither counted nor indexed.</summary>
/// <remarks>Elements are computed when asked for, as in Python, so that a loop can change what a later one depends on.</remarks>
internal sealed class OneTimeSequence(IEnumerable<object?> elements)
{
    private readonly IEnumerator<object?> _elements = elements.GetEnumerator();

    public IEnumerable<object?> Elements()
    {
        while (_elements.MoveNext())
        {
            yield return _elements.Current;
        }
    }
}
