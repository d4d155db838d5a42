using System.Numerics;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>The evaluated arguments of one call, and the access of built-in functions to them by parameter.</summary>
internal sealed class Arguments(IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named)
{
    public static Arguments None { get; } = new([], []);

    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyList<KeyValuePair<string, object?>> Named => named;

    /// <summary>Assigns the arguments to parameters.</summary>
    /// <param name="callee">Who is called, for errors.</param>
    /// <param name="required">How many of the first parameters must be given.</param>
    /// <param name="parameters">Names in order.</param>
    /// <exception cref="TemplateFault">Too many, too few, unknown or repeated arguments.</exception>
    public BoundArguments Bind(string callee, int required, params ReadOnlySpan<string> parameters)
    {
        if (positional.Count > parameters.Length)
        {
            throw TemplateFault.Evaluation($"{callee} takes at most {parameters.Length} arguments, {positional.Count} are given");
        }

        var values = new (bool IsGiven, object? Value)[parameters.Length];
        for (int i = 0; i < positional.Count; i++)
        {
            values[i] = (true, positional[i]);
        }

        foreach ((string name, object? value) in named)
        {
            int index = parameters.IndexOf(name);
            if (index < 0 || values[index].IsGiven)
            {
                throw TemplateFault.Evaluation(index < 0 ? $"{callee} has no parameter '{name}'" : $"{callee} is given '{name}' twice");
            }

            values[index] = (true, value);
        }

        for (int i = 0; i < required; i++)
        {
            if (!values[i].IsGiven)
            {
                throw TemplateFault.Evaluation($"{callee} needs the argument '{parameters[i]}'");
            }
        }

        return new BoundArguments(callee, parameters.ToArray(), values);
    }
}

/// <summary>Arguments by the index of their parameter, checked for type.</summary>
internal sealed class BoundArguments(string callee, string[] parameters, (bool IsGiven, object? Value)[] values)
{
    public object? this[int index] => values[index].Value;

    public bool IsGiven(int index) => values[index].IsGiven;

    /// <summary>True unless the argument is left out or none.</summary>
    public bool HasValue(int index) => values[index].Value is not null;

    public object? ValueOr(int index, object? fallback) => IsGiven(index) ? values[index].Value : fallback;

    public bool IsTrue(int index, bool fallback = false) => IsGiven(index) ? PythonType.IsTrue(values[index].Value) : fallback;

    public string Text(int index) => values[index].Value as string ?? throw Wrong(index, "a text");

    public string TextOr(int index, string fallback) => HasValue(index) ? Text(index) : fallback;

    /// <summary>An integer, cut to the range of int: lengths and positions beyond it mean "to the end" anyway.</summary>
    public int IntegerOr(int index, int fallback)
    {
        if (!HasValue(index))
        {
            return fallback;
        }

        object? value = values[index].Value;
        return PythonNumber.IsInteger(value)
            ? (int)BigInteger.Clamp(PythonNumber.ToInteger(value!), int.MinValue, int.MaxValue)
            : throw Wrong(index, "an integer");
    }

    private TemplateFault Wrong(int index, string wanted) => (values[index].Value as Undefined)?.Fault()
        ?? TemplateFault.Evaluation($"{callee} needs {wanted} as '{parameters[index]}', got a {PythonType.NameOf(values[index].Value)}");
}
