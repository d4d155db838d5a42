using System.Numerics;
using Hieno.Formats.ChatTemplates.Runtime;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>The types of a template's values and what they have in common.</summary>
/// <remarks>
/// none is null; text is <see cref="string"/>; truth values are <see cref="bool"/>; integers are <see cref="BigInteger"/>, because
/// Python's have no bound; numbers with a fraction are <see cref="double"/>; lists are <c>List&lt;object?&gt;</c> and tuples
/// <c>object?[]</c>, neither ever changed once made; dictionaries are <see cref="PythonDict"/>.
/// </remarks>
internal static class PythonType
{
    /// <summary>Python's name of the value's type, for messages.</summary>
    public static string NameOf(object? value) => value switch
    {
        null => "NoneType",
        string => "str",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        List<object?> => "list",
        object?[] => "tuple",
        PythonDict => "dict",
        PythonRange => "range",
        DictView view => view.Kind,
        OneTimeSequence => "generator",
        Undefined => "Undefined",
        Namespace => "Namespace",
        LoopContext => "LoopContext",
        Macro => "Macro",
        _ => "function",
    };

    /// <summary>The value's truth: none, zero and whatever is empty are false.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool b => b,
        BigInteger i => !i.IsZero,
        double d => d != 0,
        _ => TryCount(value, out int count) ? count > 0 : true,
    };

    /// <summary>The value's elements: characters of a text, keys of a dictionary. Undefined has none.</summary>
    /// <exception cref="TemplateFault">The value has no elements.</exception>
    public static IEnumerable<object?> Iterate(object? value) => value switch
    {
        string s => Syntax.Characters.Split(s),
        List<object?> list => list,
        object?[] tuple => tuple,
        PythonDict dict => dict.Keys,
        PythonRange range => range.Elements(),
        DictView view => view.Items,
        OneTimeSequence sequence => sequence.Elements(),
        LoopContext loop => loop.Elements(),
        Undefined => [],
        _ => throw TemplateFault.Evaluation($"'{NameOf(value)}' object is not iterable"),
    };

    public static bool IsIterable(object? value) => value is OneTimeSequence or LoopContext || TryCount(value, out _);

    /// <summary>The elements, copied into a list and booked as work.</summary>
    public static List<object?> ToList(object? value, Budget budget)
    {
        var list = new List<object?>();
        foreach (object? item in Iterate(value))
        {
            budget.Work();
            list.Add(item);
        }

        return list;
    }

    /// <summary>Number of elements, of those values that know it.</summary>
    public static bool TryCount(object? value, out int count)
    {
        count = value switch
        {
            string s => Syntax.Characters.Count(s),
            List<object?> list => list.Count,
            object?[] tuple => tuple.Length,
            PythonDict dict => dict.Count,
            PythonRange range => range.Count,
            DictView view => view.Items.Count,
            LoopContext loop => loop.Length,
            Undefined => 0,
            _ => -1,
        };
        return count >= 0;
    }
}
