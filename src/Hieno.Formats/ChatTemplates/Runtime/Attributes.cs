using System.Numerics;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>x.name and x[key]. The dot prefers methods and the brackets prefer items, so m.items is a method even where m has that key.</summary>
internal static class Attributes
{
    // Methods that would change a value, which the sandbox of chat templates forbids.
    private static readonly string[] Mutating =
        ["append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"];

    public static object? GetAttribute(object? target, string name, Budget budget) => target switch
    {
        Undefined undefined => throw undefined.Fault(),
        _ when TryGetMember(target, name, budget, out object? member) => member,
        _ when TryGetElement(target, name, out object? element) => element,
        _ => Missing(target, name),
    };

    public static object? GetItem(object? target, object? key, Budget budget) => target switch
    {
        Undefined undefined => throw undefined.Fault(),
        _ when TryGetElement(target, key, out object? element) => element,
        _ when key is string name && TryGetMember(target, name, budget, out object? member) => member,
        _ => Missing(target, key),
    };

    private static Undefined Missing(object? target, object? key)
    {
        string owner = target is null ? "None" : $"{PythonType.NameOf(target)} object";
        return key switch
        {
            string name => new Undefined($"'{owner}' has no attribute '{Shorten(name)}'"),
            BigInteger index => new Undefined($"{owner} has no element {index}"),
            _ => new Undefined($"{owner} has no element of type {PythonType.NameOf(key)}"),
        };
    }

    private static string Shorten(string name) => name.Length <= 100 ? name : name[..100] + "…";

    private static bool TryGetMember(object? target, string name, Budget budget, out object? member)
    {
        switch (target)
        {
            case string text:
                member = StringMethods.Find(text, name, budget);
                return member is not null;
            case PythonDict dict:
                member = DictMethod(dict, name, budget) ?? ForbiddenOn(target, name);
                return member is not null;
            case List<object?> or object?[] or PythonRange:
                member = SequenceMethod(target, name, budget) ?? ForbiddenOn(target, name);
                return member is not null;
            case Namespace space:
                return space.Attributes.TryGet(name, out member);
            case LoopContext loop:
                member = loop.Attribute(name, budget);
                return true;
            case Macro macro when name is "name":
                member = macro.Name;
                return true;
            default:
                member = null;
                return false;
        }
    }

    private static bool TryGetElement(object? target, object? key, out object? element)
    {
        element = null;
        if (target is PythonDict dict)
        {
            // What cannot be a key is not in the dictionary.
            return key is null or string or BigInteger or double or bool && dict.TryGet(key, out element);
        }

        if (!PythonNumber.IsInteger(key) || target is not (string or List<object?> or object?[] or PythonRange))
        {
            return false;
        }

        _ = PythonType.TryCount(target, out int count);
        var index = PythonNumber.ToInteger(key!);
        index += index.Sign < 0 ? count : 0;
        if (index.Sign < 0 || index >= count)
        {
            return false;
        }

        int at = (int)index;
        element = target switch
        {
            string text => text.Length == count ? text[at].ToString() : Characters.Split(text)[at],
            List<object?> list => list[at],
            object?[] tuple => tuple[at],
            _ => ((PythonRange)target)[at],
        };
        return true;
    }

    private static Function? DictMethod(PythonDict dict, string name, Budget budget) => name switch
    {
        "items" => new Function(name, _ => View("dict_items", dict, dict.Items.Select(object? (item) => new[] { item.Key, item.Value }), budget)),
        "keys" => new Function(name, _ => View("dict_keys", dict, dict.Keys, budget)),
        "values" => new Function(name, _ => View("dict_values", dict, dict.Values, budget)),
        "get" => new Function(name, arguments =>
        {
            var bound = arguments.Bind("dict.get", 1, "key", "default");
            return dict.TryGet(bound[0], out object? value) ? value : bound[1];
        }),
        "copy" => new Function(name, _ => dict), // nothing can change a dictionary, so it is its own copy
        _ => null,
    };

    private static DictView View(string kind, PythonDict dict, IEnumerable<object?> items, Budget budget)
    {
        budget.Work(dict.Count);
        return new DictView(kind, [.. items]);
    }

    private static Function? SequenceMethod(object? sequence, string name, Budget budget)
    {
        string type = PythonType.NameOf(sequence);
        return name switch
        {
            "count" => new Function(name, arguments =>
            {
                object? wanted = arguments.Bind(type + ".count", 1, "value")[0];
                return new BigInteger(PythonType.Iterate(sequence).Count(item => PythonOrder.AreEqual(item, wanted, budget)));
            }),
            "index" => new Function(name, arguments =>
            {
                object? wanted = arguments.Bind(type + ".index", 1, "value")[0];
                int index = PythonType.ToList(sequence, budget).FindIndex(item => PythonOrder.AreEqual(item, wanted, budget));
                return index >= 0 ? new BigInteger(index) : throw TemplateFault.Evaluation($"the value is not in the {type}");
            }),
            "copy" when sequence is List<object?> => new Function(name, _ => sequence),
            _ => null,
        };
    }

    private static Function? ForbiddenOn(object? target, string name) => !Mutating.Contains(name) || target is not (PythonDict or List<object?>) ? null
        : new Function(name, _ => throw TemplateFault.Evaluation(
            $"{PythonType.NameOf(target)}.{name} would change a value, which templates may not; use namespace() or build a new value"));
}
