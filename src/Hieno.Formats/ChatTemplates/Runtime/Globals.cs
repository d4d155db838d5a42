using System.Globalization;
using System.Numerics;
using System.Text;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>The functions that every template finds defined.</summary>
internal static class Globals
{
    public static Scope Create(Budget budget)
    {
        var scope = new Scope(null);
        Define(scope, "range", Range);
        Define(scope, "dict", arguments => Dict("dict", arguments, budget));
        Define(scope, "namespace", arguments =>
        {
            var space = new Namespace();
            foreach ((object? key, object? value) in Dict("namespace", arguments, budget).Items)
            {
                space.Attributes.Set(key, value);
            }

            return space;
        });
        Define(scope, "raise_exception", arguments => throw new TemplateFault(
            FaultKind.Raised,
            PythonText.Of(arguments.Bind("raise_exception", 1, "message")[0], budget),
            "The template refuses these messages: give it what it asks for"));
        Define(scope, "strftime_now", arguments => Format(
            budget.Options.Clock.GetLocalNow(), arguments.Bind("strftime_now", 1, "format").Text(0), budget));
        return scope;
    }

    private static void Define(Scope scope, string name, Func<Arguments, object?> body) => scope.Set(name, new Function(name, body));

    private static PythonRange Range(Arguments arguments)
    {
        var bound = arguments.Bind("range", 1, "start", "stop", "step");
        return bound.IsGiven(1)
            ? new PythonRange(Integer(0), Integer(1), bound.IsGiven(2) ? Integer(2) : BigInteger.One)
            : new PythonRange(BigInteger.Zero, Integer(0), BigInteger.One);

        BigInteger Integer(int index) => PythonNumber.IsInteger(bound[index])
            ? PythonNumber.ToInteger(bound[index]!)
            : throw (bound[index] as Undefined)?.Fault()
                ?? TemplateFault.Evaluation($"range needs integers, got a {PythonType.NameOf(bound[index])}");
    }

    /// <summary>dict(mapping or pairs, name=value…).</summary>
    private static PythonDict Dict(string callee, Arguments arguments, Budget budget)
    {
        var dict = new PythonDict();
        if (arguments.Positional.Count > 1)
        {
            throw TemplateFault.Evaluation($"{callee} takes at most one positional argument, {arguments.Positional.Count} are given");
        }

        if (arguments.Positional is [PythonDict source])
        {
            budget.Work(source.Count);
            foreach ((object? key, object? value) in source.Items)
            {
                dict.Set(key, value);
            }
        }
        else if (arguments.Positional is [var pairs])
        {
            foreach (object? pair in PythonType.ToList(pairs, budget))
            {
                if (PythonType.ToList(pair, budget) is not [var key, var value])
                {
                    throw TemplateFault.Evaluation($"{callee} needs pairs of a key and a value");
                }

                dict.Set(key, value);
            }
        }

        foreach ((string name, object? value) in arguments.Named)
        {
            dict.Set(name, value);
        }

        return dict;
    }

    /// <summary>Python's strftime, in English, with the glibc mark '-' for no leading zero.</summary>
    private static string Format(DateTimeOffset now, string format, Budget budget)
    {
        budget.Text(format.Length * 24L);
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            bool isShort = format[i + 1] == '-' && i + 2 < format.Length;
            i += isShort ? 2 : 1;

            // A field that does not exist stays as it is written, as in C.
            string field = Field(now, format[i]) ?? (isShort ? "%-" : "%") + format[i];
            text.Append(isShort && field.Length > 1 ? field.TrimStart('0').PadLeft(1, '0') : field);
        }

        return text.ToString();
    }

    private static string? Field(DateTimeOffset now, char field) => field switch
    {
        'Y' => now.ToString("yyyy", CultureInfo.InvariantCulture),
        'y' => now.ToString("yy", CultureInfo.InvariantCulture),
        'm' => now.ToString("MM", CultureInfo.InvariantCulture),
        'B' => now.ToString("MMMM", CultureInfo.InvariantCulture),
        'b' or 'h' => now.ToString("MMM", CultureInfo.InvariantCulture),
        'd' => now.ToString("dd", CultureInfo.InvariantCulture),
        'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'A' => now.ToString("dddd", CultureInfo.InvariantCulture),
        'a' => now.ToString("ddd", CultureInfo.InvariantCulture),
        'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'H' => now.ToString("HH", CultureInfo.InvariantCulture),
        'I' => now.ToString("hh", CultureInfo.InvariantCulture),
        'p' => now.ToString("tt", CultureInfo.InvariantCulture),
        'M' => now.ToString("mm", CultureInfo.InvariantCulture),
        'S' => now.ToString("ss", CultureInfo.InvariantCulture),
        'f' => now.ToString("ffffff", CultureInfo.InvariantCulture),
        'F' => now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        'T' => now.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
        'D' => now.ToString("MM/dd/yy", CultureInfo.InvariantCulture),
        'R' => now.ToString("HH:mm", CultureInfo.InvariantCulture),
        's' => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'z' or 'Z' => "", // the clock is read without a time zone, as Python's datetime.now() is
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        _ => null,
    };
}
