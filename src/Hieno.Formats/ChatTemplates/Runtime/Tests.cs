using System.Numerics;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>All tests: <c>value is name</c>, <c>value is name(argument)</c>.</summary>
internal static class Tests
{
    /// <summary>Applies the test of that name.</summary>
    /// <exception cref="TemplateFault">There is no such test, or it refuses the value or the arguments.</exception>
    public static bool Apply(Evaluator evaluator, string name, object? value, Arguments arguments)
    {
        var budget = evaluator.Budget;
        switch (name)
        {
            case "==" or "eq" or "equalto": return PythonOrder.AreEqual(value, Other(name, arguments), budget);
            case "!=" or "ne": return !PythonOrder.AreEqual(value, Other(name, arguments), budget);
            case "<" or "lt" or "lessthan": return PythonOrder.Holds("<", value, Other(name, arguments), budget);
            case "<=" or "le": return PythonOrder.Holds("<=", value, Other(name, arguments), budget);
            case ">" or "gt" or "greaterthan": return PythonOrder.Holds(">", value, Other(name, arguments), budget);
            case ">=" or "ge": return PythonOrder.Holds(">=", value, Other(name, arguments), budget);
            case "in": return PythonOrder.Contains(Other(name, arguments), value, budget);
            case "sameas": return IsSame(value, Other(name, arguments));
            case "divisibleby": return IsZero(Operators.Apply("%", value, Other(name, arguments), budget));
        }

        arguments.Bind($"test '{name}'", 0);
        return name switch
        {
            "defined" => value is not Undefined,
            "undefined" => value is Undefined,
            "none" => value is null,
            "boolean" => value is bool,
            "true" => value is true,
            "false" => value is false,
            "integer" => value is BigInteger,
            "float" => value is double,
            "number" => PythonNumber.IsNumber(value),
            "string" => value is string,
            "mapping" => value is PythonDict,
            "sequence" => value is string or List<object?> or object?[] or PythonDict or PythonRange or Undefined,
            "iterable" => PythonType.IsIterable(value),
            "callable" => value is Callable or Undefined,
            "odd" => IsZero(Operators.Apply("-", Operators.Apply("%", value, new BigInteger(2), budget), BigInteger.One, budget)),
            "even" => IsZero(Operators.Apply("%", value, new BigInteger(2), budget)),
            "upper" => evaluator.Text(value) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
            "lower" => evaluator.Text(value) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
            _ => throw TemplateFault.Evaluation($"there is no test '{name}'"),
        };
    }

    private static object? Other(string name, Arguments arguments) => arguments.Bind($"test '{name}'", 1, "other")[0];

    private static bool IsZero(object value) => PythonNumber.IsNumber(value) && PythonNumber.ToDouble(value) == 0;

    /// <summary>Python's "is". Which equal numbers and texts are one object is its own affair; here equal ones of one type are.</summary>
    private static bool IsSame(object? a, object? b) => (a, b) switch
    {
        (string x, string y) => string.Equals(x, y, StringComparison.Ordinal),
        (bool x, bool y) => x == y,
        (BigInteger x, BigInteger y) => x == y,
        _ => ReferenceEquals(a, b),
    };
}
