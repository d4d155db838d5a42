using System.Numerics;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Evaluates expressions.</summary>
internal sealed class Evaluator(Budget budget)
{
    public Budget Budget => budget;

    public object? Evaluate(Expression expression, Scope scope)
    {
        budget.Enter();
        try
        {
            return EvaluateNode(expression, scope);
        }
        catch (TemplateFault fault) when (fault.Claim(expression.At))
        {
            throw; // never reached: the filter only notes the place
        }
        finally
        {
            budget.Leave();
        }
    }

    public bool IsTrue(Expression expression, Scope scope) => PythonType.IsTrue(Evaluate(expression, scope));

    /// <summary>The text that printing the value writes.</summary>
    public string Text(object? value) => PythonText.Of(value, budget);

    public object? ApplyFilter(FilterStep step, object? value, Scope scope)
    {
        var arguments = EvaluateArguments(step.Arguments, scope);
        try
        {
            return Filters.Apply(this, step.Name, value, arguments);
        }
        catch (TemplateFault fault) when (fault.Claim(step.At))
        {
            throw;
        }
    }

    public object? Call(object? callee, Arguments arguments) => callee switch
    {
        Callable callable => callable.Call(arguments),
        Undefined undefined => throw undefined.Fault(),
        _ => throw TemplateFault.Evaluation($"'{PythonType.NameOf(callee)}' object is not callable"),
    };

    public Arguments EvaluateArguments(CallArguments arguments, Scope scope)
    {
        if (ReferenceEquals(arguments, CallArguments.None))
        {
            return Arguments.None;
        }

        var positional = arguments.Positional.Select(a => Evaluate(a, scope)).ToList();
        var named = arguments.Named.Select(n => KeyValuePair.Create(n.Name, Evaluate(n.Value, scope))).ToList();
        if (arguments.SpreadList is not null)
        {
            positional.AddRange(PythonType.ToList(Evaluate(arguments.SpreadList, scope), budget));
        }

        if (arguments.SpreadDict is not null)
        {
            if (Evaluate(arguments.SpreadDict, scope) is not PythonDict dict)
            {
                throw TemplateFault.Evaluation("the argument after ** is not a dictionary");
            }

            foreach ((object? key, object? value) in dict.Items)
            {
                named.Add(KeyValuePair.Create(key as string ?? throw TemplateFault.Evaluation("the keys of a **dict must be texts"), value));
            }
        }

        return new Arguments(positional, named);
    }

    private object? EvaluateNode(Expression expression, Scope scope)
    {
        switch (expression)
        {
            case Constant constant:
                return constant.Value;
            case Variable variable:
                return scope.TryGet(variable.Name, out object? found) ? found : new Undefined($"'{variable.Name}' is undefined");
            case ListLiteral list:
                return list.Items.Select(item => Evaluate(item, scope)).ToList();
            case TupleLiteral tuple:
                return tuple.Items.Select(item => Evaluate(item, scope)).ToArray();
            case DictLiteral dict:
                return EvaluateDict(dict, scope);
            case Unary unary:
                return EvaluateUnary(unary.Operator, Evaluate(unary.Operand, scope));
            case Binary { Operator: "and" } and:
                object? left = Evaluate(and.Left, scope);
                return PythonType.IsTrue(left) ? Evaluate(and.Right, scope) : left;
            case Binary { Operator: "or" } or:
                object? first = Evaluate(or.Left, scope);
                return PythonType.IsTrue(first) ? first : Evaluate(or.Right, scope);
            case Binary binary:
                return Operators.Apply(binary.Operator, Evaluate(binary.Left, scope), Evaluate(binary.Right, scope), budget);
            case Concatenation concatenation:
                return EvaluateConcatenation(concatenation, scope);
            case Comparison comparison:
                return EvaluateComparison(comparison, scope);
            case Conditional conditional:
                return IsTrue(conditional.Test, scope) ? Evaluate(conditional.Then, scope)
                    : conditional.Otherwise is not null ? Evaluate(conditional.Otherwise, scope)
                    : new Undefined("the condition of an 'if' without 'else' was false");
            case AttributeAccess access:
                return Attributes.GetAttribute(Evaluate(access.Target, scope), access.Name, budget);
            case Subscript subscript:
                return Attributes.GetItem(Evaluate(subscript.Target, scope), Evaluate(subscript.Index, scope), budget);
            case Slice slice:
                return EvaluateSlice(slice, scope);
            case Call call:
                return Call(Evaluate(call.Target, scope), EvaluateArguments(call.Arguments, scope));
            case Filtered filtered:
                return ApplyFilter(filtered.Filter, Evaluate(filtered.Target, scope), scope);
            case Tested tested:
                return Tests.Apply(this, tested.Name, Evaluate(tested.Target, scope), EvaluateArguments(tested.Arguments, scope));
            default:
                throw new NotSupportedException($"expression {expression.GetType().Name}");
        }
    }

    private PythonDict EvaluateDict(DictLiteral literal, Scope scope)
    {
        var dict = new PythonDict();
        foreach (var (key, value) in literal.Items)
        {
            dict.Set(Evaluate(key, scope), Evaluate(value, scope));
        }

        return dict;
    }

    private static object EvaluateUnary(string op, object? operand)
    {
        if (op is "not")
        {
            return !PythonType.IsTrue(operand);
        }

        if (!PythonNumber.IsNumber(operand))
        {
            throw (operand as Undefined)?.Fault()
                ?? TemplateFault.Evaluation($"'{PythonType.NameOf(operand)}' cannot have the sign '{op}'");
        }

        return operand is double number
            ? op is "-" ? -number : number
            : op is "-" ? -PythonNumber.ToInteger(operand!) : PythonNumber.ToInteger(operand!);
    }

    private string EvaluateConcatenation(Concatenation concatenation, Scope scope)
    {
        var parts = concatenation.Parts.Select(part => Text(Evaluate(part, scope))).ToList();
        budget.Text(parts.Sum(part => (long)part.Length));
        return string.Concat(parts);
    }

    private bool EvaluateComparison(Comparison comparison, Scope scope)
    {
        object? left = Evaluate(comparison.First, scope);
        foreach (var (op, operand) in comparison.Rest)
        {
            object? right = Evaluate(operand, scope);
            bool holds = op switch
            {
                "==" => PythonOrder.AreEqual(left, right, budget),
                "!=" => !PythonOrder.AreEqual(left, right, budget),
                "in" => PythonOrder.Contains(right, left, budget),
                "not in" => !PythonOrder.Contains(right, left, budget),
                _ => PythonOrder.Holds(op, left, right, budget),
            };
            if (!holds)
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    private object EvaluateSlice(Slice slice, Scope scope)
    {
        object? target = Evaluate(slice.Target, scope);
        return Operators.Slice(target, Bound(slice.Start), Bound(slice.Stop), Bound(slice.Step), budget);

        BigInteger? Bound(Expression? expression)
        {
            object? value = expression is null ? null : Evaluate(expression, scope);
            return value is null ? null
                : PythonNumber.IsInteger(value) ? PythonNumber.ToInteger(value)
                : throw (value as Undefined)?.Fault()
                    ?? TemplateFault.Evaluation($"the bounds of a slice must be integers, got a {PythonType.NameOf(value)}");
        }
    }
}
