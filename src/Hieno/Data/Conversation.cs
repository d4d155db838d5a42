using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Text;

namespace Hieno.Data;

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
            RowLayout.Sharegpt => ReadSharegpt(row),
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

            string name = RoleOf(row, role.GetString()!, number);
            bool hasContent = item.TryGetProperty(contentKey, out JsonElement value) && value.ValueKind != JsonValueKind.Null;
            if (!hasContent && !HasCalls(item))
            {
                throw row.Error(ErrorCodes.DatasetRowInvalid, $"turn {number} of '{column}' has no '{contentKey}'", "Give each turn a role and a content; only a turn with tool_calls may go without");
            }

            turns.Add(new Turn(name, hasContent ? ContentOf(row, value, number) : string.Empty, WeightOf(row, item, number), roleKey == "role" ? item : null));
        }

        return turns;
    }

    private static bool HasCalls(JsonElement item) => item.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0;

    private static float WeightOf(DataRow row, JsonElement item, int number)
    {
        if (!item.TryGetProperty("weight", out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return 1f;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float weight) && weight >= 0 && float.IsFinite(weight)
            ? weight
            : throw row.Error(ErrorCodes.DatasetRowInvalid, $"the weight of turn {number} is {value.GetRawText()}", "Give 1 to learn the turn, 0 to only read it, or a number between");
    }

    // A text, or parts that are all text.
    private static string ContentOf(DataRow row, JsonElement value, int number) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array => string.Concat(value.EnumerateArray().Select(part => PartOf(row, part, number))),
        _ => throw NotText(row, number),
    };

    private static string PartOf(DataRow row, JsonElement part, int number) =>
        part.ValueKind == JsonValueKind.String ? part.GetString()!
        : part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()!
        : throw NotText(row, number);

    private static DatasetException NotText(DataRow row, int number) =>
        row.Error(ErrorCodes.DatasetRowInvalid, $"the content of turn {number} is not a text", "Give a text; pictures and sounds cannot be learned from here");

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
        string input = OptionalText(row, "input");
        List<Turn> turns = SystemOf(row);
        if (row.TryGet("history", out JsonElement history) && history.ValueKind != JsonValueKind.Null)
        {
            turns.AddRange(HistoryOf(row, history));
        }

        turns.Add(new Turn("user", input.Length > 0 ? $"{instruction}\n\n{input}" : instruction));
        turns.Add(new Turn("assistant", row.Text("output")));
        return new Conversation(turns);
    }

    private static Conversation ReadSharegpt(DataRow row)
    {
        List<Turn> turns = ReadTurns(row, "conversations", "from", "value");
        return new Conversation(turns[0].Role == "system" ? turns : [.. SystemOf(row), .. turns]);
    }

    private static List<Turn> SystemOf(DataRow row) => OptionalText(row, "system") is { Length: > 0 } text ? [new Turn("system", text)] : [];

    private static string OptionalText(DataRow row, string column) =>
        row.TryGet(column, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? row.Text(column) : string.Empty;

    // Pairs of a question and its answer that came before.
    private static IEnumerable<Turn> HistoryOf(DataRow row, JsonElement history)
    {
        if (history.ValueKind != JsonValueKind.Array || !history.EnumerateArray().All(IsPair))
        {
            throw row.Error(ErrorCodes.DatasetColumnType, "'history' is not a list of pairs of texts", "Give [[question, answer], …], or leave it out");
        }

        return history.EnumerateArray().SelectMany(pair => new[] { new Turn("user", pair[0].GetString()!), new Turn("assistant", pair[1].GetString()!) });
    }

    private static bool IsPair(JsonElement pair) =>
        pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 && pair.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String);
}
