using System.Collections.ObjectModel;
using System.Text.Json;

namespace Hieno.Formats.ChatTemplates;

/// <summary>One turn of a chat.</summary>
/// <param name="Role">Who speaks: system, user, assistant, tool, or what else the model's template knows.</param>
/// <param name="Content">What is said; null for a turn that only calls tools.</param>
public sealed record ChatMessage(string Role, string? Content)
{
    /// <summary>Name of the speaker or of the tool, or null.</summary>
    public string? Name { get; init; }

    /// <summary>The calls of an assistant, a JSON array as in the OpenAI chat format, or null.</summary>
    public JsonElement? ToolCalls { get; init; }

    /// <summary>Which call a tool's answer belongs to, or null.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>How much the turn counts in the loss, 0 to 1. Default 1. Templates do not see it.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Further fields that the template reads, such as <c>reasoning_content</c>, or null.</summary>
    public IReadOnlyDictionary<string, object?>? Fields { get; init; }

    /// <summary>The message as a template sees it: only the fields that are there, and always role and content.</summary>
    internal Dictionary<string, object?> ToVariables()
    {
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal) { ["role"] = Role, ["content"] = Content };
        AddIfGiven("name", Name);
        AddIfGiven("tool_calls", ToolCalls);
        AddIfGiven("tool_call_id", ToolCallId);
        foreach ((string key, object? value) in Fields ?? ReadOnlyDictionary<string, object?>.Empty)
        {
            variables[key] = value;
        }

        return variables;

        void AddIfGiven(string key, object? value)
        {
            if (value is not null)
            {
                variables[key] = value;
            }
        }
    }
}
