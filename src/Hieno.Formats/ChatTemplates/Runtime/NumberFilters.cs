using System.Globalization;
using System.Numerics;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Filters that give numbers.</summary>
internal static class NumberFilters
{
    public static object? Abs(Evaluator evaluator, object? value, BoundArguments arguments) => value switch
    {
        double d => Math.Abs(d),
        _ when PythonNumber.IsInteger(value) => BigInteger.Abs(PythonNumber.ToInteger(value!)),
        Undefined undefined => throw undefined.Fault(),
        _ => throw TemplateFault.Evaluation($"filter 'abs' needs a number, got a {PythonType.NameOf(value)}"),
    };

    /// <summary>The value as an integer, or the default where it cannot be read as one.</summary>
    public static object? Int(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        object? fallback = arguments.ValueOr(0, BigInteger.Zero);
        int radix = arguments.IntegerOr(1, 10);
        return value switch
        {
            Undefined undefined => throw undefined.Fault(),
            _ when PythonNumber.IsInteger(value) => PythonNumber.ToInteger(value!),
            double d => double.IsFinite(d) ? new BigInteger(d) : fallback,
            string text => ParseInteger(text, radix) ?? (ParseFloat(text) is double d && double.IsFinite(d) ? new BigInteger(d) : fallback),
            _ => fallback,
        };
    }

    /// <summary>The value as a float, or the default where it cannot be read as one.</summary>
    public static object? Float(Evaluator evaluator, object? value, BoundArguments arguments) => value switch
    {
        Undefined undefined => throw undefined.Fault(),
        _ when PythonNumber.IsNumber(value) => PythonNumber.ToDouble(value!),
        string text when ParseFloat(text) is double d => d,
        _ => arguments.ValueOr(0, 0.0),
    };

    public static object? Round(Evaluator evaluator, object? value, BoundArguments arguments)
    {
        int precision = Math.Clamp(arguments.IntegerOr(0, 0), -300, 300);
        string method = arguments.TextOr(1, "common");
        if (!PythonNumber.IsNumber(value) || method is not ("common" or "ceil" or "floor"))
        {
            throw (value as Undefined)?.Fault() ?? TemplateFault.Evaluation(
                $"filter 'round' needs a number and a method common, ceil or floor, got a {PythonType.NameOf(value)} and '{method}'");
        }

        if (method is not "common")
        {
            double power = Math.Pow(10, precision), scaled = PythonNumber.ToDouble(value!) * power;
            return (method is "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / power;
        }

        if (PythonNumber.IsInteger(value) && precision >= 0)
        {
            return PythonNumber.ToInteger(value!);
        }

        // Round half to even, on the exact decimal expansion of the double as Python does.
        double number = PythonNumber.ToDouble(value!);
        double rounded = precision >= 0
            ? double.Parse(number.ToString("F" + precision, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
            : Math.Round(number / Math.Pow(10, -precision)) * Math.Pow(10, -precision);
        if (precision == 0)
        {
            rounded = Math.Round(number, MidpointRounding.ToEven);
        }

        return value is double ? rounded : new BigInteger(rounded);
    }

    private static BigInteger? ParseInteger(string text, int radix)
    {
        string digits = TrimSpace(text).Replace("_", "", StringComparison.Ordinal);
        bool isNegative = digits.StartsWith('-');
        digits = isNegative || digits.StartsWith('+') ? digits[1..] : digits;
        string prefix = radix switch { 2 => "0b", 8 => "0o", 16 => "0x", _ => "-" };
        digits = digits.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? digits[2..] : digits;
        if (digits.Length is 0 or > 4300 || radix is < 2 or > 36)
        {
            return null;
        }

        if (radix == 10)
        {
            return BigInteger.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? (isNegative ? -value : value) : null;
        }

        var parsed = BigInteger.Zero;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : int.MaxValue;
            if (digit >= radix)
            {
                return null;
            }

            parsed = (parsed * radix) + digit;
        }

        return isNegative ? -parsed : parsed;
    }

    private static double? ParseFloat(string text)
    {
        string trimmed = TrimSpace(text);
        switch (trimmed.TrimStart('+', '-').ToLowerInvariant())
        {
            case "inf" or "infinity": return trimmed[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            case "nan": return double.NaN;
        }

        // No thousands separators, unlike .NET's default.
        return double.TryParse(trimmed.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && !trimmed.Contains('n', StringComparison.OrdinalIgnoreCase) ? value : null;
    }

    private static string TrimSpace(string text)
    {
        int start = 0, end = text.Length;
        while (start < end && Characters.IsSpace(text[start]))
        {
            start++;
        }

        while (end > start && Characters.IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }
}
