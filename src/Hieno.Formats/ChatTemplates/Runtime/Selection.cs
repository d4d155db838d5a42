using System.Globalization;
using System.Numerics;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>map, select, reject and their attribute forms: filters whose arguments name another filter or test.</summary>
internal static class Selection
{
    /// <summary>map(attribute='x', default=d), or map('filter', arguments…).</summary>
    public static OneTimeSequence Map(Evaluator evaluator, object? value, Arguments arguments)
    {
        var items = Items(evaluator, value);
        if (arguments.Positional.Count > 0)
        {
            string name = Name(arguments.Positional[0], "map");
            var rest = new Arguments([.. arguments.Positional.Skip(1)], arguments.Named);
            return new OneTimeSequence(items.Select(item => Filters.Apply(evaluator, name, item, rest)));
        }

        var bound = arguments.Bind("filter 'map'", 1, "attribute", "default");
        return new OneTimeSequence(items.Select(item =>
        {
            object? found = Follow(item, bound[0], evaluator);
            return found is Undefined && bound.IsGiven(1) ? bound[1] : found;
        }));
    }

    /// <summary>select('test', arguments…), or selectattr('x', 'test', arguments…); without a test, whatever is true.</summary>
    public static OneTimeSequence Select(Evaluator evaluator, object? value, Arguments arguments, bool byAttribute, bool keeps)
    {
        int used = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < used)
        {
            throw TemplateFault.Evaluation("filters 'selectattr' and 'rejectattr' need the name of an attribute");
        }

        object? path = byAttribute ? arguments.Positional[0] : null;
        string? test = arguments.Positional.Count > used ? Name(arguments.Positional[used], "select") : null;
        var rest = new Arguments([.. arguments.Positional.Skip(used + 1)], arguments.Named);
        return new OneTimeSequence(Items(evaluator, value).Where(item =>
        {
            object? subject = byAttribute ? Follow(item, path, evaluator) : item;
            return keeps == (test is null ? PythonType.IsTrue(subject) : Tests.Apply(evaluator, test, subject, rest));
        }));
    }

    /// <summary>'%s and %s'|format(a, b).</summary>
    public static string Format(Evaluator evaluator, object? value, Arguments arguments)
    {
        object? values = arguments.Positional.ToArray();
        if (arguments.Named.Count > 0)
        {
            var dict = new PythonDict();
            foreach ((string name, object? item) in arguments.Named)
            {
                dict.Set(name, item);
            }

            values = arguments.Positional.Count == 0
                ? dict
                : throw TemplateFault.Evaluation("filter 'format' takes positional or named values, not both");
        }

        return PercentFormat.Apply(evaluator.Text(value), values, evaluator.Budget);
    }

    /// <summary>The element at a path such as 'function.name' or 'rows.0'; items come before methods here.</summary>
    public static object? Follow(object? item, object? path, Evaluator evaluator)
    {
        if (path is not string text)
        {
            return Attributes.GetItem(item, path, evaluator.Budget);
        }

        evaluator.Budget.Read(text.Length);
        foreach (string part in text.Split('.'))
        {
            object key = part.Length > 0 && part.All(char.IsAsciiDigit) ? BigInteger.Parse(part, CultureInfo.InvariantCulture) : part;
            item = Attributes.GetItem(item, key, evaluator.Budget);
        }

        return item;
    }

    // What is false has no elements here, even a number.
    private static IEnumerable<object?> Items(Evaluator evaluator, object? value) => (PythonType.IsTrue(value) ? PythonType.Iterate(value) : []).Select(item =>
    {
        evaluator.Budget.Work();
        return item;
    });

    private static string Name(object? value, string filter) =>
        value as string ?? throw TemplateFault.Evaluation($"filter '{filter}' needs the name of a filter or test, got a {PythonType.NameOf(value)}");
}
