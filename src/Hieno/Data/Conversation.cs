using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Text;

namespace Hieno.Data;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">system, user, assistant or tool.</param>
/// <param name="Content">What was said.</param>
/// <param name="Weight">How much an assistant's turn counts in training: 0 means it is read but not learned.</param>
/// <param name="Raw">The row's own object, with tool calls and other fields a template may read; null where the row had none.</param>
public sealed record Turn(string Role, string Content, float Weight = 1f, JsonElement? Raw = null);

/// <summary>A row to be learned by supervised fine-tuning: turns, the assistant's to be learned.</summary>
/// <param name="Turns">The turns in order.</param>
/// <param name="IsPlain">True for prompt and completion, which are joined as they are, without a template.</param>
public sealed record Conversation(IReadOnlyList<Turn> Turns, bool IsPlain = false)
{
    /// <summary>Reads a row in any of the layouts.</summary>
    /// <param name="row">The row.</param>
    /// <param name="layout">Its layout; <see cref="RowLayout.Auto"/> looks at the columns.</param>
    /// <exception cref="DatasetException">The columns fit no layout, a role is unknown, or there is no turn of the assistant.</exception>
    public static Conversation Read(DataRow row, RowLayout layout)
    {
        ArgumentNullException.ThrowIfNull(row);
        layout = layout == RowLayout.Auto ? Detect(row) : layout;
        Conversation conversation = layout switch
        {
            RowLayout.Messages => new Conversation(ReadTurns(row, "messages", "role", "content")),
            RowLayout.Sharegpt => new Conversation(ReadTurns(row, "conversations", "from", "value")),
            RowLayout.Alpaca => ReadAlpaca(row),
            RowLayout.PromptCompletion => new Conversation([new Turn("user", row.Text("prompt")), new Turn("assistant", row.Text("completion"))], IsPlain: true),
            _ => throw row.Error(ErrorCodes.DatasetColumnMissing, "plain text is not a conversation", "Choose 'task: causal-lm' to learn plain text"),
        };
        return conversation.Turns.Any(turn => turn.Role == "assistant" && turn.Weight > 0)
            ? conversation
            : throw row.Error(ErrorCodes.DatasetRowInvalid, "there is no turn of the assistant to learn from", "Add one, or set 'data.skipInvalid: true'");
    }

    private static RowLayout Detect(DataRow row)
    {
        foreach ((string column, RowLayout layout) in new[]
        {
            ("messages", RowLayout.Messages), ("conversations", RowLayout.Sharegpt), ("instruction", RowLayout.Alpaca), ("prompt", RowLayout.PromptCompletion),
        })
        {
            if (row.TryGet(column, out _))
            {
                return layout;
            }
        }

        throw row.Error(
            ErrorCodes.DatasetColumnMissing,
            $"the columns {string.Join(", ", row.Columns)} fit none of the known layouts (messages; conversations; instruction and output; prompt and completion)",
            "Rename the columns, or set 'data.layout'");
    }

    private static List<Turn> ReadTurns(DataRow row, string column, string roleKey, string contentKey)
    {
        JsonElement list = row.Require(column);
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw row.Error(ErrorCodes.DatasetColumnType, $"'{column}' is not a list of turns", "Give a list with at least one turn of the assistant");
        }

        var turns = new List<Turn>();
        foreach (JsonElement item in list.EnumerateArray())
        {
            int number = turns.Count + 1;
            if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty(roleKey, out JsonElement role) || role.ValueKind != JsonValueKind.String)
            {
                throw row.Error(ErrorCodes.DatasetRowInvalid, $"turn {number} of '{column}' has no text '{roleKey}'", "Give each turn a role and a content");
            }

            string content = item.TryGetProperty(contentKey, out JsonElement value) ? ContentOf(row, value, number) : string.Empty;
            float weight = item.TryGetProperty("weight", out JsonElement w) && w.ValueKind == JsonValueKind.Number ? w.GetSingle() : 1f;
            turns.Add(new Turn(RoleOf(row, role.GetString()!, number), content, weight, roleKey == "role" ? item : null));
        }

        return turns;
    }

    private static string ContentOf(DataRow row, JsonElement value, int number) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Null => string.Empty,
        JsonValueKind.Array when value.EnumerateArray().All(part => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out _)) =>
            string.Concat(value.EnumerateArray().Select(part => part.GetProperty("text").GetString())),
        _ => throw row.Error(ErrorCodes.DatasetRowInvalid, $"the content of turn {number} is not a text", "Give a text; pictures and sounds cannot be learned from here"),
    };

    private static string RoleOf(DataRow row, string role, int number) => role switch
    {
        "system" or "developer" => "system",
        "user" or "human" => "user",
        "assistant" or "gpt" or "model" or "chatbot" => "assistant",
        "tool" or "function" or "observation" => "tool",
        "function_call" => "assistant",
        _ => throw row.Error(ErrorCodes.DatasetRowInvalid, $"turn {number} has the role '{role}'", "Use system, user, assistant or tool"),
    };

    private static Conversation ReadAlpaca(DataRow row)
    {
        string instruction = row.Text("instruction");
        string input = row.TryGet("input", out JsonElement extra) && extra.ValueKind == JsonValueKind.String ? extra.GetString()! : string.Empty;
        var turns = new List<Turn>();
        if (row.TryGet("system", out JsonElement system) && system.ValueKind == JsonValueKind.String && system.GetString() is { Length: > 0 } text)
        {
            turns.Add(new Turn("system", text));
        }

        turns.Add(new Turn("user", input.Length > 0 ? $"{instruction}\n\n{input}" : instruction));
        turns.Add(new Turn("assistant", row.Text("output")));
        return new Conversation(turns);
    }
}
