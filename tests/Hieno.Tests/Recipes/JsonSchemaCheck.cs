using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hieno.Tests.Recipes;

// Validates a value against a JSON schema (draft 2020-12, the keywords that recipes need). An unknown keyword is refused,
// so a schema with a misspelt one cannot pass.
internal sealed class JsonSchemaCheck(JsonObject root)
{
    public bool Accepts(JsonNode? value) => Accepts(root, value);

    private bool Accepts(JsonObject schema, JsonNode? value) => schema.All(keyword => Holds(schema, keyword.Key, keyword.Value!, value));

    private bool Holds(JsonObject schema, string keyword, JsonNode rule, JsonNode? value) => keyword switch
    {
        "$schema" => (string?)rule == "https://json-schema.org/draft/2020-12/schema",
        "$defs" or "title" or "description" or "default" => true,
        "$ref" => Accepts(Resolve((string)rule!), value),
        "type" => rule is JsonArray types ? types.Any(t => HasType((string)t!, value)) : HasType((string)rule!, value),
        "enum" => rule.AsArray().Any(v => JsonNode.DeepEquals(v, value)),
        "const" => JsonNode.DeepEquals(rule, value),
        "anyOf" => rule.AsArray().Any(s => Accepts(s!.AsObject(), value)),
        "oneOf" => rule.AsArray().Count(s => Accepts(s!.AsObject(), value)) == 1,
        "properties" => value is not JsonObject o || rule.AsObject().All(p => !o.ContainsKey(p.Key) || Accepts(p.Value!.AsObject(), o[p.Key])),
        "required" => value is not JsonObject o || rule.AsArray().All(k => o.ContainsKey((string)k!)),
        "additionalProperties" => value is not JsonObject o || o.Where(p => schema["properties"]?.AsObject().ContainsKey(p.Key) != true)
            .All(p => rule is JsonObject s ? Accepts(s, p.Value) : (bool)rule),
        "items" => value is not JsonArray a || a.All(i => Accepts(rule.AsObject(), i)),
        "minLength" => value?.GetValueKind() != JsonValueKind.String || ((string)value!).Length >= (int)rule,
        "maxLength" => value?.GetValueKind() != JsonValueKind.String || ((string)value!).Length <= (int)rule,
        "minItems" => value is not JsonArray a || a.Count >= (int)rule,
        "maxItems" => value is not JsonArray a || a.Count <= (int)rule,
        "minimum" => Number(value) is not { } n || n >= (double)rule,
        "maximum" => Number(value) is not { } n || n <= (double)rule,
        "exclusiveMinimum" => Number(value) is not { } n || n > (double)rule,
        "exclusiveMaximum" => Number(value) is not { } n || n < (double)rule,
        "pattern" => value?.GetValueKind() != JsonValueKind.String || Regex.IsMatch((string)value!, (string)rule!, RegexOptions.ECMAScript),
        _ => throw new InvalidOperationException($"'{keyword}' is not a keyword of this check."),
    };

    private JsonObject Resolve(string reference)
    {
        Assert.StartsWith("#/$defs/", reference, StringComparison.Ordinal);
        return root["$defs"]![reference["#/$defs/".Length..]]!.AsObject();
    }

    private static bool HasType(string type, JsonNode? value) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "null" => value is null,
        "string" => value?.GetValueKind() == JsonValueKind.String,
        "boolean" => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "number" => Number(value) is not null,
        "integer" => Number(value) is { } n && n == Math.Truncate(n),
        _ => throw new InvalidOperationException($"'{type}' is not a type."),
    };

    private static double? Number(JsonNode? value) =>
        value?.GetValueKind() == JsonValueKind.Number ? double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : null;
}
