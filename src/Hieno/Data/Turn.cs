using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats.ChatTemplates;

namespace Hieno.Data;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">system, user, assistant or tool.</param>
/// <param name="Content">What was said.</param>
/// <param name="Weight">How much an assistant's turn counts in training: 0 means it is read but not learned.</param>
/// <param name="Raw">The row's own object, with tool calls and other fields a template may read; null where the row had none.</param>
public sealed record Turn(string Role, string Content, float Weight = 1f, JsonElement? Raw = null)
{
    private static readonly string[] s_own = ["role", "content", "weight", "name", "tool_calls", "tool_call_id"];

    /// <summary>The turn as chat templates take it.</summary>
    public ChatMessage ToMessage() => new(Role, Content)
    {
        Weight = Weight,
        ToolCalls = Field("tool_calls", JsonValueKind.Array) is { } calls ? WithParsedArguments(calls) : null,
        ToolCallId = Field("tool_call_id", JsonValueKind.String)?.GetString(),
        Name = Field("name", JsonValueKind.String)?.GetString(),
        Fields = Raw is { } raw ? raw.EnumerateObject().Where(item => !s_own.Contains(item.Name)).ToDictionary(item => item.Name, item => (object?)item.Value, StringComparer.Ordinal) : null,
    };

    private JsonElement? Field(string name, JsonValueKind kind) => Raw is { } raw && raw.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind ? value : null;

    // OpenAI's files hold the arguments of a call as JSON in a text; templates expect the object itself.
    private static JsonElement WithParsedArguments(JsonElement calls)
    {
        JsonArray copy = JsonArray.Create(calls)!;
        foreach (JsonNode? call in copy)
        {
            if (call is JsonObject { } outer && outer["function"] is JsonObject function
                && function["arguments"] is JsonValue value && value.TryGetValue(out string? text) && ObjectIn(text) is { } arguments)
            {
                function["arguments"] = arguments;
            }
        }

        return JsonSerializer.SerializeToElement(copy);
    }

    private static JsonObject? ObjectIn(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null; // a text that is not JSON is passed on as it is
        }
    }
}
