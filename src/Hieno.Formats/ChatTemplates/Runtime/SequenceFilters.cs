using System.Numerics;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Filters on lists, dictionaries and whatever else has elements, and <c>default</c>.</summary>
internal static class SequenceFilters
{
    public static object? Default(Evaluator evaluator, object? value, BoundArguments arguments) =>
        value is Undefined || (arguments.IsTrue(1) && !PythonType.IsTrue(value)) ? arguments.ValueOr(0, "") : value;

    public static object? Length(Evaluator evaluator, object? value, BoundArguments arguments) => PythonType.TryCount(value, out int count)
        ? new BigInteger(count)
        : throw TemplateFault.Evaluation($"a {PythonType.NameOf(value)} has no length");

    public static object? List(Evaluator evaluator, object? value, BoundArguments arguments) => PythonType.ToList(value, evaluator.Budget);

    public static object? First(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        foreach (object? item in PythonType.Iterate(value))
        {
            return item;
        }

        return new Undefined("the sequence is empty, so it has no first element");
    }

    public static object? Last(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        if (value is OneTimeSequence)
        {
            throw TemplateFault.Evaluation("a generator has no last element; turn it into a list first");
        }

        var items = PythonType.ToList(value, evaluator.Budget);
        return items.Count > 0 ? items[^1] : new Undefined("the sequence is empty, so it has no last element");
    }

    public static object? Reverse(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        if (value is string)
        {
            return Operators.Slice(value, null, null, BigInteger.MinusOne, evaluator.Budget);
        }

        var items = PythonType.ToList(value, evaluator.Budget);
        items.Reverse();
        return new OneTimeSequence(items);
    }

    public static object? Items(Evaluator evaluator, object? value, BoundArguments arguments) => value switch
    {
        Undefined => new OneTimeSequence([]),
        PythonDict dict => new OneTimeSequence(dict.Items.Select(object? (item) => new[] { item.Key, item.Value })),
        _ => throw TemplateFault.Evaluation($"filter 'items' needs a dictionary, got a {PythonType.NameOf(value)}"),
    };

    public static object? Join(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        var attribute = Attribute(evaluator, arguments, 1);
        var parts = PythonType.ToList(value, evaluator.Budget).Select(item => evaluator.Text(attribute(item))).ToList();
        return StringMethods.Join(arguments.IsGiven(0) ? evaluator.Text(arguments[0]) : "", parts, evaluator.Budget);
    }

    /// <summary>The attribute itself, never an item of that name.</summary>
    public static object? Attr(Evaluator evaluator, object? value, BoundArguments arguments) => value is PythonDict
        ? new Undefined($"'dict object' has no attribute '{arguments.Text(0)}'")
        : Attributes.GetAttribute(value, arguments.Text(0), evaluator.Budget);

    public static object? Batch(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        int size = arguments.IntegerOr(0, 0);
        var items = PythonType.ToList(value, evaluator.Budget);
        if (size < 1)
        {
            throw TemplateFault.Evaluation($"filter 'batch' needs a 'linecount' of 1 or more, got {size}");
        }

        var batches = items.Chunk(size).Select(chunk => chunk.ToList()).ToList();
        if (arguments.HasValue(1) && batches.Count > 0)
        {
            int missing = size - batches[^1].Count;
            evaluator.Budget.Work(missing);
            batches[^1].AddRange(Enumerable.Repeat(arguments[1], missing));
        }

        return new OneTimeSequence(batches);
    }

    public static object? Sort(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        var items = PythonType.ToList(value, evaluator.Budget);
        var fold = CaseFolding(arguments, 1);
        if (!arguments.HasValue(2))
        {
            return PythonOrder.Sort(items, fold, arguments.IsTrue(0), evaluator.Budget);
        }

        // 'a,b.c': by a, then by c of b.
        string[] paths = evaluator.Text(arguments[2]).Split(',');
        return PythonOrder.Sort(
            items, item => paths.Select(path => fold(Selection.Follow(item, path, evaluator))).ToList(), arguments.IsTrue(0), evaluator.Budget);
    }

    public static object? DictSort(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        if (value is not PythonDict dict)
        {
            throw (value as Undefined)?.Fault()
                ?? TemplateFault.Evaluation($"filter 'dictsort' needs a dictionary, got a {PythonType.NameOf(value)}");
        }

        string by = arguments.TextOr(1, "key");
        int index = by switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw TemplateFault.Evaluation($"filter 'dictsort' sorts by 'key' or 'value', got '{by}'"),
        };
        var fold = CaseFolding(arguments, 0);
        List<object?> pairs = [.. dict.Items.Select(object? (item) => new[] { item.Key, item.Value })];
        return PythonOrder.Sort(pairs, pair => fold(((object?[])pair!)[index]), arguments.IsTrue(2), evaluator.Budget);
    }

    public static object? Unique(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        var fold = CaseFolding(arguments, 0);
        var attribute = Attribute(evaluator, arguments, 1);
        var seen = new PythonDict();
        var unique = new List<object?>();
        foreach (object? item in PythonType.ToList(value, evaluator.Budget))
        {
            object? key = fold(attribute(item));
            if (!seen.TryGet(key, out _))
            {
                seen.Set(key, null);
                unique.Add(item);
            }
        }

        return new OneTimeSequence(unique);
    }

    public static object? Min(Evaluator evaluator, object? value, BoundArguments arguments) => Extreme("<", evaluator, value, arguments);

    public static object? Max(Evaluator evaluator, object? value, BoundArguments arguments) => Extreme(">", evaluator, value, arguments);

    public static object? Sum(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        var attribute = Attribute(evaluator, arguments, 0);
        object? sum = arguments.ValueOr(1, BigInteger.Zero);
        foreach (object? item in PythonType.ToList(value, evaluator.Budget))
        {
            sum = Operators.Apply("+", sum, attribute(item), evaluator.Budget);
        }

        return sum;
    }

    private static object? Extreme(string op, Evaluator evaluator, object? value, BoundArguments arguments)
    {
        var fold = CaseFolding(arguments, 0);
        var attribute = Attribute(evaluator, arguments, 1);
        var items = PythonType.ToList(value, evaluator.Budget);
        if (items.Count == 0)
        {
            return new Undefined("the sequence is empty, so it has neither a smallest nor a largest element");
        }

        object? best = items[0];
        foreach (object? item in items.Skip(1))
        {
            best = PythonOrder.Holds(op, fold(attribute(item)), fold(attribute(best)), evaluator.Budget) ? item : best;
        }

        return best;
    }

    private static Func<object?, object?> Attribute(Evaluator evaluator, BoundArguments arguments, int index)
    {
        object? path = arguments[index];
        return path is null ? item => item : item => Selection.Follow(item, path, evaluator);
    }

    private static Func<object?, object?> CaseFolding(BoundArguments arguments, int index) =>
        arguments.IsTrue(index) ? item => item : item => item is string text ? text.ToLowerInvariant() : item;
}
