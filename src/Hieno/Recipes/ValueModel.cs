using System.Globalization;
using System.Text.Json.Nodes;

namespace Hieno.Recipes;

// What a setting's value may be. Binder, writer, schema and reference walk these models; RecordModel alone makes them, by reflection.
internal abstract class ValueModel
{
    /// <summary>True when 'null' is a value.</summary>
    public bool Nullable { get; init; }

    /// <summary>What the value must satisfy beyond its type.</summary>
    public IReadOnlyList<Limit> Limits { get; init; } = [];

    /// <summary>Ends the sentence "must be …", and is the type in the settings reference.</summary>
    public abstract string Expected { get; }

    /// <summary>The model of the single values inside lists and tables; of any other value, itself.</summary>
    public virtual ValueModel Innermost => this;

    /// <summary>The same of several values: "a list of …".</summary>
    public virtual string ExpectedMany => Expected;
}

// A value written as one word or number.
internal abstract class ScalarModel : ValueModel
{
    /// <summary>Reads the text; <paramref name="quoted"/> tells that it is a text and not, say, a number.</summary>
    public abstract bool TryRead(string text, bool quoted, out object? value);

    /// <summary>What to expect in place of a text that was refused; may say more than <see cref="ValueModel.Expected"/>.</summary>
    public virtual string ExpectedFor(string text) => Expected;

    /// <summary>What to do about a text that was refused, beginning with a space; empty where there is nothing to say.</summary>
    public virtual string AdviceOn(string text) => "";

    /// <summary>The text of a value; reading it gives the value back.</summary>
    public abstract string Write(object value);

    /// <summary>True when the written text is a word that must not be taken for a number or truth value.</summary>
    public virtual bool IsText(string written) => false;

    /// <summary>The JSON schema of the type, without limits.</summary>
    public abstract JsonObject Schema();
}

internal sealed class TextValueModel : ScalarModel
{
    public override string Expected => "text";

    public override bool TryRead(string text, bool quoted, out object? value)
    {
        value = text;
        return true;
    }

    public override string Write(object value) => (string)value;

    public override bool IsText(string written) => true;

    public override JsonObject Schema() => new() { ["type"] = "string" };
}

internal sealed class TruthModel : ScalarModel
{
    public override string Expected => "true or false";

    public override bool TryRead(string text, bool quoted, out object? value)
    {
        bool? truth = text switch
        {
            "true" or "True" or "TRUE" => true,
            "false" or "False" or "FALSE" => false,
            _ => null,
        };
        value = truth;
        return truth is not null && !quoted;
    }

    // YAML 1.1 took these for truth values.
    public override string AdviceOn(string text) => text.ToUpperInvariant() switch
    {
        "YES" or "ON" => " Write true.",
        "NO" or "OFF" => " Write false.",
        _ => "",
    };

    public override string Write(object value) => (bool)value ? "true" : "false";

    public override JsonObject Schema() => new() { ["type"] = "boolean" };
}

internal sealed class IntegerModel(TypeCode type, decimal min, decimal max) : ScalarModel
{
    public override string Expected => "a whole number";

    public override string ExpectedMany => "whole numbers";

    public override string ExpectedFor(string text) => TryParse(text, out decimal number) && (number < min || number > max)
        ? string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}")
        : Expected;

    public override bool TryRead(string text, bool quoted, out object? value)
    {
        value = null;
        if (quoted || !TryParse(text, out decimal number) || number != decimal.Truncate(number) || number < min || number > max)
        {
            return false;
        }

        value = Convert.ChangeType(number, type, CultureInfo.InvariantCulture);
        return true;
    }

    public override string Write(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    public override JsonObject Schema() => new() { ["type"] = "integer" };

    // 16, -1, 1e4 and, as in YAML 1.2, 0x10 and 0o20. A decimal holds every long and ulong exactly.
    private static bool TryParse(string text, out decimal number)
    {
        number = 0;
        int radix = text.StartsWith("0x", StringComparison.Ordinal) ? 16 : text.StartsWith("0o", StringComparison.Ordinal) ? 8 : 10;
        if (radix == 10)
        {
            return decimal.TryParse(text, NumberModel.Styles, CultureInfo.InvariantCulture, out number);
        }

        foreach (char c in text.AsSpan(2))
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix || number > ulong.MaxValue)
            {
                return false;
            }

            number = (number * radix) + digit;
        }

        return text.Length > 2;
    }
}

internal sealed class NumberModel(bool single) : ScalarModel
{
    // No white space and no thousands separator: "1,5" is refused, not read as 15.
    public const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    public override string Expected => "a number";

    public override string ExpectedMany => "numbers";

    public override bool TryRead(string text, bool quoted, out object? value)
    {
        // A float is parsed as such: going by way of a double would round twice.
        double number;
        if (single)
        {
            bool isFloat = float.TryParse(text, Styles, CultureInfo.InvariantCulture, out float f);
            (number, value) = (isFloat ? f : double.NaN, f);
        }
        else
        {
            number = double.TryParse(text, Styles, CultureInfo.InvariantCulture, out double d) ? d : double.NaN;
            value = d;
        }

        return double.IsFinite(number) && !quoted;
    }

    // With a point before the exponent (1.0e-07), because YAML 1.1 readers take 1e-07 for a text.
    public override string Write(object value)
    {
        string text = single
            ? ((float)value).ToString("R", CultureInfo.InvariantCulture)
            : ((double)value).ToString("R", CultureInfo.InvariantCulture);
        return text.Replace("E", text.Contains('.', StringComparison.Ordinal) ? "e" : ".0e", StringComparison.Ordinal);
    }

    public override JsonObject Schema() => new() { ["type"] = "number" };
}

internal sealed class ChoiceModel(IReadOnlyList<KeyValuePair<string, object>> choices) : ScalarModel
{
    public IEnumerable<string> Names => choices.Select(c => c.Key);

    public override string Expected => "one of: " + string.Join(", ", Names);

    // weighted-mean is what is written and documented; weightedMean, weighted_mean and WeightedMean are read as well.
    public override bool TryRead(string text, bool quoted, out object? value)
    {
        value = choices.FirstOrDefault(c => NearestKey.Same(c.Key, text)).Value;
        return value is not null;
    }

    public override string AdviceOn(string text) => NearestKey.To(text, Names) is { } near ? $" Did you mean '{near}'?" : "";

    public override string Write(object value) => choices.First(c => c.Value.Equals(value)).Key;

    public override bool IsText(string written) => true;

    public override JsonObject Schema() => new() { ["enum"] = new JsonArray([.. Names.Select(n => JsonValue.Create(n))]) };
}

// A type that implements IScalarForm; its static members arrive as delegates.
internal sealed class ScalarFormModel(
    string expected, string pattern, bool acceptsNumbers, Func<string, object?> parse, Func<object, string> write) : ScalarModel
{
    public override string Expected => expected;

    public override bool TryRead(string text, bool quoted, out object? value)
    {
        value = parse(text);
        return value is not null;
    }

    public override string Write(object value) => write(value);

    public override bool IsText(string written) =>
        !acceptsNumbers || !double.TryParse(written, NumberModel.Styles, CultureInfo.InvariantCulture, out _);

    public override JsonObject Schema() => acceptsNumbers
        ? new() { ["type"] = new JsonArray("string", "number"), ["pattern"] = pattern }
        : new() { ["type"] = "string", ["pattern"] = pattern };
}

internal sealed class ListModel(ValueModel element, Func<IReadOnlyList<object?>, object> build) : ValueModel
{
    public ValueModel Element => element;

    public override ValueModel Innermost => element.Innermost;

    public override string Expected => $"a list of {element.ExpectedMany}";

    /// <summary>Makes the list that the setting holds; lists it makes are equal when their elements are.</summary>
    public object Build(IReadOnlyList<object?> elements) => build(elements);
}

internal sealed class TableModel(
    ValueModel element,
    Func<IReadOnlyList<KeyValuePair<string, object?>>, object> build,
    Func<object, IReadOnlyList<KeyValuePair<string, object?>>> entries) : ValueModel
{
    public ValueModel Element => element;

    public override ValueModel Innermost => element.Innermost;

    public override string Expected => $"a group of names, each with {element.Expected}";

    /// <summary>Makes the dictionary that the setting holds; those it makes are equal when their entries are.</summary>
    public object Build(IReadOnlyList<KeyValuePair<string, object?>> values) => build(values);

    /// <summary>The entries of any dictionary of this setting's type.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> EntriesOf(object dictionary) => entries(dictionary);
}

internal sealed class GroupModel(Type type) : ValueModel
{
    public Type Type => type;

    public override string Expected => "a group of settings";

    public override string ExpectedMany => "groups of settings";
}

internal sealed class KindsModel(Type baseType, IReadOnlyList<KeyValuePair<string, Type>> kinds) : ValueModel
{
    public Type BaseType => baseType;

    public IReadOnlyList<KeyValuePair<string, Type>> Kinds => kinds;

    public override string Expected => "one of the kinds: " + string.Join(", ", kinds.Select(k => k.Key));
}
