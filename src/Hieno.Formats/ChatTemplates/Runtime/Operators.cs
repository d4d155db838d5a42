using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>+ - * / // % ** and slices, on every type that has them.</summary>
internal static class Operators
{
    public static object Apply(string op, object? left, object? right, Budget budget)
    {
        if (left is Undefined || right is Undefined)
        {
            throw (left as Undefined ?? (Undefined)right!).Fault();
        }

        if (PythonNumber.IsNumber(left) && PythonNumber.IsNumber(right))
        {
            return PythonNumber.Apply(op, left!, right!);
        }

        switch (op, left, right)
        {
            case ("+", string a, string b):
                budget.Text((long)a.Length + b.Length);
                return a + b;
            case ("+", List<object?> a, List<object?> b):
                budget.Work(a.Count + b.Count);
                return new List<object?>([.. a, .. b]);
            case ("+", object?[] a, object?[] b):
                budget.Work(a.Length + b.Length);
                return (object?[])[.. a, .. b];
            case ("*", string or List<object?> or object?[], BigInteger or bool):
                return Repeat(left, PythonNumber.ToInteger(right), budget);
            case ("*", BigInteger or bool, string or List<object?> or object?[]):
                return Repeat(right, PythonNumber.ToInteger(left), budget);
            case ("%", string format, _):
                return PercentFormat.Apply(format, right, budget);
            default:
                throw TemplateFault.Evaluation(
                    $"'{op}' is not defined between '{PythonType.NameOf(left)}' and '{PythonType.NameOf(right)}'");
        }
    }

    /// <summary>target[start:stop:step]; a missing bound is null.</summary>
    public static object Slice(object? target, BigInteger? start, BigInteger? stop, BigInteger? step, Budget budget)
    {
        if (target is not (string or List<object?> or object?[] or PythonRange))
        {
            throw (target as Undefined)?.Fault() ?? TemplateFault.Evaluation($"'{PythonType.NameOf(target)}' object cannot be sliced");
        }

        if (step is { IsZero: true })
        {
            throw TemplateFault.Evaluation("the step of a slice is zero");
        }

        _ = PythonType.TryCount(target, out int count);
        var (first, length, stride) = Resolve(count, start, stop, step ?? BigInteger.One);
        if (target is string text && text.Length == count)
        {
            budget.Text(length);
            return stride == 1 ? text.Substring(first, length) : string.Create(length, (text, first, stride), static (span, s) =>
            {
                for (int i = 0; i < span.Length; i++)
                {
                    span[i] = s.text[s.first + (i * s.stride)];
                }
            });
        }

        budget.Work(target is string ? count : length);
        var indices = Enumerable.Range(0, length).Select(i => first + (i * stride));
        return target switch
        {
            string s => Join(Characters.Split(s), indices),
            List<object?> list => indices.Select(i => list[i]).ToList(),
            object?[] tuple => indices.Select(i => tuple[i]).ToArray(),
            _ => SliceOf((PythonRange)target, first, length, stride),
        };
    }

    /// <summary>Turns Python's bounds, which may be negative or beyond the ends, into indices that exist.</summary>
    private static (int First, int Length, int Stride) Resolve(int count, BigInteger? start, BigInteger? stop, BigInteger step)
    {
        int stride = (int)BigInteger.Clamp(step, -int.MaxValue, int.MaxValue);

        // Walking backwards, the places before the first and at the last element take the parts of the ends.
        (int lowest, int highest) = stride > 0 ? (0, count) : (-1, count - 1);
        int first = Clamp(start, stride > 0 ? lowest : highest);
        int end = Clamp(stop, stride > 0 ? highest : lowest);
        long distance = stride > 0 ? (long)end - first : (long)first - end;
        long length = distance <= 0 ? 0 : ((distance - 1) / Math.Abs((long)stride)) + 1;
        return (length == 0 ? 0 : first, (int)length, stride);

        int Clamp(BigInteger? bound, int missing) => bound is not { } b
            ? missing
            : (int)BigInteger.Clamp(b.Sign < 0 ? b + count : b, lowest, highest);
    }

    private static PythonRange SliceOf(PythonRange range, int first, int length, int stride)
    {
        var start = range.Start + (first * range.Step);
        return new PythonRange(start, start + (length * stride * range.Step), stride * range.Step);
    }

    private static string Join(List<string> characters, IEnumerable<int> indices)
    {
        var text = new StringBuilder();
        foreach (int i in indices)
        {
            text.Append(characters[i]);
        }

        return text.ToString();
    }

    private static object Repeat(object? sequence, BigInteger times, Budget budget)
    {
        int count = (int)BigInteger.Clamp(times, 0, int.MaxValue);
        switch (sequence)
        {
            case string text:
                budget.Text((long)text.Length * count);
                return new StringBuilder().Insert(0, text, text.Length == 0 ? 0 : count).ToString();
            case List<object?> list:
                budget.Work((long)list.Count * count);
                return Enumerable.Repeat(list, list.Count == 0 ? 0 : count).SelectMany(items => items).ToList();
            default:
                object?[] tuple = (object?[])sequence!;
                budget.Work((long)tuple.Length * count);
                return Enumerable.Repeat(tuple, tuple.Length == 0 ? 0 : count).SelectMany(items => items).ToArray();
        }
    }
}
