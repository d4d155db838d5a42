using System.Globalization;
using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>text % values: the printf-like formatting of Python, with %s %r %d %i %x %X %o %f %F %e %E %c and %%.</summary>
internal static class PercentFormat
{
    // A field wider than this is an attack, not a layout.
    private const int MaxWidth = 10_000;

    public static string Apply(string format, object? values, Budget budget)
    {
        // A tuple gives one value a field, a dictionary is looked up by the name in parentheses, all else is one value.
        var queue = new Queue<object?>(values is object?[] tuple ? tuple : [values]);
        bool mayBeUnused = values is PythonDict or List<object?> or PythonRange; // Python takes these for mappings
        var text = new StringBuilder();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%')
            {
                text.Append(format[at]);
                continue;
            }

            var field = ReadField(format, ref at);
            if (field.Kind == '%')
            {
                text.Append('%');
                continue;
            }

            object? value = field.Key is not null ? Lookup(values, field.Key)
                : queue.TryDequeue(out object? next) ? next
                : throw Wrong("has more fields than values");
            text.Append(FormatField(field, value, budget));
            budget.Work();
            budget.CheckLength(text.Length);
        }

        return queue.Count == 0 || mayBeUnused ? text.ToString() : throw Wrong("has fewer fields than values");
    }

    /// <summary>Reads %(key)flags width.precision kind; <paramref name="at"/> is on the %, then on the kind.</summary>
    private static Field ReadField(string format, ref int at)
    {
        at++;
        string? key = null;
        if (at < format.Length && format[at] == '(')
        {
            int close = format.IndexOf(')', at);
            key = close < 0 ? throw Wrong("ends within a field") : format[(at + 1)..close];
            at = close + 1;
        }

        string flags = Take(format, ref at, "-+ 0#");
        int width = Number(Take(format, ref at, "0123456789"));
        int? precision = null;
        if (at < format.Length && format[at] == '.')
        {
            at++;
            precision = Number(Take(format, ref at, "0123456789"));
        }

        _ = Take(format, ref at, "hlL"); // sizes of C, which mean nothing here
        return at < format.Length
            ? new Field(key, flags, width, precision, format[at])
            : throw Wrong("ends within a field");
    }

    private static string Take(string format, ref int at, string characters)
    {
        int start = at;
        while (at < format.Length && characters.Contains(format[at], StringComparison.Ordinal))
        {
            at++;
        }

        return format[start..at];
    }

    private static TemplateFault Wrong(string fact) => TemplateFault.Evaluation($"the format text {fact}");

    private static object? Lookup(object? values, string key) =>
        values is PythonDict dict && dict.TryGet(key, out object? value) ? value : throw Wrong($"names '{key}', which is not given");

    private static string FormatField(Field field, object? value, Budget budget)
    {
        var (_, flags, width, precision, kind) = field;
        bool isText = kind is 's' or 'r' or 'c';
        string body = kind switch
        {
            's' => Cut(PythonText.Of(value, budget), precision),
            'r' => Cut(PythonText.Representation(value, budget), precision),
            'c' => value as string ?? char.ConvertFromUtf32((int)Integer(value, kind) is >= 0 and < 0xD800 and int code ? code : 0xFFFD),
            'd' or 'i' or 'u' => Integer(value, kind).ToString("D" + (precision ?? 1), CultureInfo.InvariantCulture),
            'x' or 'X' or 'o' => Radix(Integer(value, kind), kind),
            'f' or 'F' => Real(value, kind).ToString("F" + (precision ?? 6), CultureInfo.InvariantCulture),
            'e' or 'E' => Real(value, kind).ToString($"0.{new string('0', precision ?? 6)}{kind}+00", CultureInfo.InvariantCulture),
            _ => throw Wrong($"has a field of unknown kind '{kind}'"),
        };
        if (!isText && !body.StartsWith('-'))
        {
            body = (flags.Contains('+', StringComparison.Ordinal) ? "+" : flags.Contains(' ', StringComparison.Ordinal) ? " " : "") + body;
        }

        if (flags.Contains('-', StringComparison.Ordinal))
        {
            return body.PadRight(width);
        }

        if (isText || !flags.Contains('0', StringComparison.Ordinal))
        {
            return body.PadLeft(width);
        }

        // Zeros go between the sign and the digits.
        int sign = body[0] is '-' or '+' or ' ' ? 1 : 0;
        return body[..sign] + body[sign..].PadLeft(width - sign, '0');
    }

    private static int Number(string digits)
    {
        if (digits.Length == 0)
        {
            return 0;
        }

        return int.TryParse(digits, CultureInfo.InvariantCulture, out int number) && number <= MaxWidth
            ? number
            : throw Wrong($"asks for a width beyond {MaxWidth:N0}");
    }

    private static string Cut(string text, int? precision) => precision < text.Length ? text[..precision.Value] : text;

    private static BigInteger Integer(object? value, char kind) => value switch
    {
        _ when PythonNumber.IsInteger(value) => PythonNumber.ToInteger(value!),
        double d when kind is 'd' or 'i' or 'u' => PythonNumber.Truncate(d),
        Undefined undefined => throw undefined.Fault(),
        _ => throw Wrong($"has a field %{kind} for a number, got a {PythonType.NameOf(value)}"),
    };

    private static double Real(object? value, char kind) => PythonNumber.IsNumber(value)
        ? PythonNumber.ToDouble(value!)
        : throw (value as Undefined)?.Fault() ?? Wrong($"has a field %{kind} for a number, got a {PythonType.NameOf(value)}");

    private static string Radix(BigInteger value, char kind)
    {
        var rest = BigInteger.Abs(value);
        int radix = kind == 'o' ? 8 : 16;
        var digits = new StringBuilder();
        do
        {
            digits.Insert(0, "0123456789abcdef"[(int)(rest % radix)]);
            rest /= radix;
        }
        while (!rest.IsZero);

        string text = (value.Sign < 0 ? "-" : "") + digits;
        return kind == 'X' ? text.ToUpperInvariant() : text;
    }

    private sealed record Field(string? Key, string Flags, int Width, int? Precision, char Kind);
}
