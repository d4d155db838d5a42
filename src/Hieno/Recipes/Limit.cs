using System.Collections;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Hieno.Recipes;

// What a value must satisfy beyond its type: the data annotations of a setting, in a form that all readers of it share.
internal abstract class Limit
{
    /// <summary>Ends the sentence "must be …".</summary>
    public abstract string Expected { get; }

    public abstract bool Allows(object value);

    /// <summary>Adds the limit to the JSON schema of the value.</summary>
    public abstract void AddTo(JsonObject schema);
}

internal sealed class RangeLimit(double min, double max, bool minExcluded, bool maxExcluded) : Limit
{
    public override string Expected => (double.IsNegativeInfinity(min) || min == double.MinValue, double.IsPositiveInfinity(max) || IsOpen(max)) switch
    {
        (true, true) => "any number",
        (true, false) => (maxExcluded ? "below " : "at most ") + Text(max),
        (false, true) => (minExcluded ? "above " : "at least ") + Text(min),
        _ => $"{(minExcluded ? "above" : "from")} {Text(min)} {(minExcluded ? "and " : "")}{(maxExcluded ? "up to, but not," : minExcluded ? "at most" : "to")} {Text(max)}",
    };

    public override bool Allows(object value)
    {
        // A limit of 0.1 means the float nearest to 0.1 where the setting is a float, which is a little more than the double 0.1.
        bool single = value is float;
        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        double low = single ? (float)min : min;
        double high = single ? (float)max : max;
        return (minExcluded ? number > low : number >= low) && (maxExcluded ? number < high : number <= high);
    }

    public override void AddTo(JsonObject schema)
    {
        if (double.IsFinite(min) && min != double.MinValue)
        {
            schema[minExcluded ? "exclusiveMinimum" : "minimum"] = Number(min);
        }

        if (double.IsFinite(max) && !IsOpen(max))
        {
            schema[maxExcluded ? "exclusiveMaximum" : "maximum"] = Number(max);
        }
    }

    // [Range(1, int.MaxValue)] is how the attribute spells "at least 1".
    private static bool IsOpen(double max) => max is int.MaxValue or (double)long.MaxValue or float.MaxValue or double.MaxValue;

    private static JsonNode Number(double value) =>
        value == Math.Truncate(value) && Math.Abs(value) < 1L << 53 ? JsonValue.Create((long)value) : JsonValue.Create(value);

    private static string Text(double value) => value.ToString("0.###############", CultureInfo.InvariantCulture) is var text && value != 0 && text is "0" or "-0"
        ? value.ToString("R", CultureInfo.InvariantCulture)
        : text;
}

internal sealed class LengthLimit(int min, int max, bool ofText) : Limit
{
    private string Unit(int count) => ofText ? (count == 1 ? "character" : "characters") : count == 1 ? "entry" : "entries";

    public override string Expected => (min > 0, max < int.MaxValue) switch
    {
        (true, true) => $"{min} to {max} {Unit(max)} long",
        (false, true) => $"at most {max} {Unit(max)} long",
        _ => $"at least {min} {Unit(min)} long",
    };

    public override bool Allows(object value) =>
        AllowsLength(value is string text ? text.Length : ((IEnumerable)value).Cast<object?>().Count());

    public bool AllowsLength(int length) => length >= min && length <= max;

    public override void AddTo(JsonObject schema)
    {
        string unit = ofText ? "Length" : string.Equals((string?)schema["type"], "object", StringComparison.Ordinal) ? "Properties" : "Items";
        if (min > 0)
        {
            schema["min" + unit] = min;
        }

        if (max < int.MaxValue)
        {
            schema["max" + unit] = max;
        }
    }
}

// values: the text of each allowed value in recipes, and the value.
internal sealed class AllowedLimit(IReadOnlyList<KeyValuePair<string, object>> values) : Limit
{
    public IEnumerable<string> Texts => values.Select(v => v.Key);

    public override string Expected => "one of: " + string.Join(", ", Texts);

    public override bool Allows(object value) => values.Any(v => v.Value.Equals(value));

    public override void AddTo(JsonObject schema) =>
        schema["enum"] = new JsonArray([.. values.Select(v => v.Value is string or Enum ? JsonValue.Create(v.Key) : JsonNode.Parse(v.Key))]);
}
