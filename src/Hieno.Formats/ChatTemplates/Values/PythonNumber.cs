using System.Globalization;
using System.Numerics;

namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>Python's arithmetic on integers without bound, floats and truth values (which count as 0 and 1).</summary>
internal static class PythonNumber
{
    // About 5,000 decimal digits: far above any use, far below what takes time.
    private const int MaxBits = 1 << 14;

    public static bool IsNumber(object? value) => value is BigInteger or double or bool;

    public static bool IsInteger(object? value) => value is BigInteger or bool;

    public static BigInteger ToInteger(object value) => value is bool b ? (b ? 1 : 0) : (BigInteger)value;

    public static double ToDouble(object value) => value is double d ? d : (double)ToInteger(value);

    /// <summary>a op b for two numbers.</summary>
    public static object Apply(string op, object a, object b)
    {
        if (op is "/")
        {
            return Divide(ToDouble(a), ToDouble(b));
        }

        return IsInteger(a) && IsInteger(b) ? Apply(op, ToInteger(a), ToInteger(b)) : Apply(op, ToDouble(a), ToDouble(b));
    }

    /// <summary>Negative, zero or positive as a is less than, equal to or greater than b; null when one is not a number (NaN).</summary>
    public static int? Compare(object a, object b)
    {
        if (IsInteger(a) && IsInteger(b))
        {
            return ToInteger(a).CompareTo(ToInteger(b));
        }

        (double x, double y) = (ToDouble(a), ToDouble(b));
        if (double.IsNaN(x) || double.IsNaN(y))
        {
            return null;
        }

        // An integer too long for a double is compared exactly with the double's integer part first.
        if (a is not double && double.IsFinite(y) && ToInteger(a).CompareTo(new BigInteger(y)) is not 0 and int whole)
        {
            return whole;
        }

        return b is not double && double.IsFinite(x) && new BigInteger(x).CompareTo(ToInteger(b)) is not 0 and int part
            ? part
            : x.CompareTo(y);
    }

    /// <summary>The number as Python prints it: floats with the fewest digits that read back the same.</summary>
    public static string ToText(object number) => number switch
    {
        bool b => b ? "True" : "False",
        BigInteger i => i.ToString(CultureInfo.InvariantCulture),
        _ => FloatText((double)number),
    };

    /// <summary>The float's integer part, as int() gives it.</summary>
    public static BigInteger Truncate(double value) => double.IsFinite(value)
        ? new BigInteger(value)
        : throw TemplateFault.Evaluation($"cannot convert float {FloatText(value)} to an integer");

    private static object Apply(string op, BigInteger a, BigInteger b)
    {
        switch (op)
        {
            case "+": return Bounded(a + b);
            case "-": return Bounded(a - b);
            case "*": return Bounded(a * b);
            case "//" or "%":
                RejectZero(b.IsZero);
                var quotient = BigInteger.DivRem(a, b, out var remainder);

                // .NET rounds to zero, Python down: the remainder takes the sign of the divisor.
                bool adjusts = !remainder.IsZero && remainder.Sign != b.Sign;
                return op is "//" ? quotient - (adjusts ? 1 : 0) : remainder + (adjusts ? b : 0);
            default:
                return b.Sign < 0 ? Power((double)a, (double)b) : Power(a, b);
        }
    }

    private static object Apply(string op, double a, double b)
    {
        switch (op)
        {
            case "+": return a + b;
            case "-": return a - b;
            case "*": return a * b;
            case "//" or "%":
                RejectZero(b == 0);
                double remainder = a % b;
                remainder = remainder == 0 ? Math.CopySign(0, b) : (remainder < 0) != (b < 0) ? remainder + b : remainder;
                return op is "%" ? remainder : Math.Round((a - remainder) / b);
            default:
                return Power(a, b);
        }
    }

    private static double Divide(double a, double b)
    {
        RejectZero(b == 0);
        return a / b;
    }

    private static object Power(BigInteger a, BigInteger b)
    {
        // The result has about b times as many bits as a.
        if (a.GetBitLength() * (double)b > MaxBits && BigInteger.Abs(a) > 1)
        {
            throw TooLong();
        }

        return BigInteger.Abs(a) <= 1 ? BigInteger.Pow(a, b.IsEven ? (b.IsZero ? 0 : 2) : 1) : BigInteger.Pow(a, (int)b);
    }

    private static double Power(double a, double b)
    {
        RejectZero(a == 0 && b < 0);
        double power = Math.Pow(a, b);
        return double.IsFinite(power) || !double.IsFinite(a) || !double.IsFinite(b)
            ? power
            : throw TemplateFault.Evaluation(
                $"{FloatText(a)} ** {FloatText(b)} is {(double.IsNaN(power) ? "not a real number" : "too large for a float")}");
    }

    private static BigInteger Bounded(BigInteger value) => value.GetBitLength() <= MaxBits ? value : throw TooLong();

    private static TemplateFault TooLong() => TemplateFault.Evaluation($"an integer grows beyond {MaxBits:N0} bits");

    private static void RejectZero(bool isZero)
    {
        if (isZero)
        {
            throw TemplateFault.Evaluation("division by zero");
        }
    }

    private static string FloatText(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        // .NET finds the same shortest digits but lays them out differently; take them apart: ±d.ddd × 10^exponent.
        string sign = double.IsNegative(value) ? "-" : "";
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        string mantissa = shortest.Split('E')[0].Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        if (mantissa.Length == 0)
        {
            return sign + "0.0";
        }

        int exponent = ExponentOf(shortest);
        if (exponent is < -4 or >= 16)
        {
            string digits = mantissa.Length == 1 ? mantissa : $"{mantissa[0]}.{mantissa[1..]}";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{mantissa}";
        }

        string padded = mantissa.PadRight(exponent + 1, '0');
        string fraction = padded[(exponent + 1)..];
        return $"{sign}{padded[..(exponent + 1)]}.{(fraction.Length == 0 ? "0" : fraction)}";
    }

    /// <summary>Power of ten of the first digit that is not zero, in .NET's text of a positive number.</summary>
    private static int ExponentOf(string shortest)
    {
        string[] parts = shortest.Split('E');
        int exponent = parts.Length == 2 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        string digits = parts[0];
        int point = digits.IndexOf('.', StringComparison.Ordinal);
        int integerDigits = point < 0 ? digits.Length : point;
        int first = digits.AsSpan().IndexOfAnyInRange('1', '9');
        return exponent + (first < integerDigits ? integerDigits - 1 - first : integerDigits - first);
    }
}
