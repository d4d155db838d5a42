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
    private bool HasMin => double.IsFinite(min) && min is not (int.MinValue or (double)long.MinValue or float.MinValue or double.MinValue);

    // [Range(1, int.MaxValue)] is how the attribute spells "at least 1".
    private bool HasMax => double.IsFinite(max) && max is not (int.MaxValue or (double)long.MaxValue or float.MaxValue or double.MaxValue);

    public override string Expected
    {
        get
        {
            if (HasMin && HasMax && !minExcluded && !maxExcluded)
            {
                return $"from {Text(min)} to {Text(max)}";
            }

            string low = HasMin ? (minExcluded ? "above " : "at least ") + Text(min) : "";
            string high = HasMax ? (maxExcluded ? "below " : "at most ") + Text(max) : "";
            return low + (HasMin && HasMax ? " and " : "") + high;
        }
    }

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
        if (HasMin)
        {
            schema[minExcluded ? "exclusiveMinimum" : "minimum"] = Number(min);
        }

        if (HasMax)
        {
            schema[maxExcluded ? "exclusiveMaximum" : "maximum"] = Number(max);
        }
    }

    private static JsonNode Number(double value) =>
        value == Math.Truncate(value) && Math.Abs(value) < 1L << 53 ? JsonValue.Create((long)value) : JsonValue.Create(value);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
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
        bool ofTable = string.Equals((string?)schema["type"], "object", StringComparison.Ordinal);
        string unit = ofText ? "Length" : ofTable ? "Properties" : "Items";
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
