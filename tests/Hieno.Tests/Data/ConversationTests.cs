using Hieno.Data;
using Hieno.Formats.Text;

namespace Hieno.Tests.Data;

public sealed class ConversationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"messages": [{"role": "developer", "content": "S"}, {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}""", "system:S user:Q assistant:A")]
    [InlineData("""{"messages": [{"role": "user", "content": [{"type": "text", "text": "Q1 "}, {"type": "text", "text": "Q2"}]}, {"role": "assistant", "content": "A"}]}""", "user:Q1 Q2 assistant:A")]
    [InlineData("""{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "T"}, {"role": "assistant", "content": "A"}]}""", "user:Q assistant: tool:T assistant:A")]
    [InlineData("""{"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]}""", "user:Q assistant:A")]
    [InlineData("""{"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}], "system": "S"}""", "system:S user:Q assistant:A")]
    [InlineData("""{"conversations": [{"from": "system", "value": "own"}, {"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}], "system": "S"}""", "system:own user:Q assistant:A")]
    [InlineData("""{"instruction": "Q", "output": "A"}""", "user:Q assistant:A")]
    [InlineData("""{"instruction": "Q", "input": "", "output": "A"}""", "user:Q assistant:A")]
    [InlineData("""{"instruction": "Q", "input": "I", "output": "A", "system": "S"}""", "system:S user:Q\n\nI assistant:A")]
    [InlineData("""{"instruction": "Q", "input": null, "output": "A", "history": [["Q0", "A0"]]}""", "user:Q0 assistant:A0 user:Q assistant:A")]
    [InlineData("""{"prompt": "Q", "completion": " A"}""", "user:Q assistant: A")]
    public void Each_layout_is_told_from_its_columns(string row, string turns)
    {
        var conversation = Conversation.Read(Row(row), RowLayout.Auto);
        Assert.Equal(turns, string.Join(' ', conversation.Turns.Select(turn => $"{turn.Role}:{turn.Content}")));
        Assert.Equal(row.Contains("\"prompt\"", StringComparison.Ordinal), conversation.IsPlain);
    }

    [Fact]
    public void Weights_are_taken_over()
    {
        var conversation = Conversation.Read(
            Row("""{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A", "weight": 0}, {"role": "assistant", "content": "B", "weight": 1}]}"""), RowLayout.Auto);
        Assert.Equal([1f, 0f, 1f], conversation.Turns.Select(turn => turn.Weight));
    }

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "Q"}]}""", "no turn of the assistant to learn from")]
    [InlineData("""{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A", "weight": 0}]}""", "no turn of the assistant to learn from")]
    [InlineData("""{"messages": []}""", "'messages' is not a list of turns")]
    [InlineData("""{"messages": "Q"}""", "'messages' is not a list of turns")]
    [InlineData("""{"messages": ["Q"]}""", "turn 1 of 'messages' has no text 'role'")]
    [InlineData("""{"messages": [{"role": 1, "content": "Q"}]}""", "turn 1 of 'messages' has no text 'role'")]
    [InlineData("""{"messages": [{"role": "user", "content": "Q"}, {"role": "judge", "content": "A"}]}""", "turn 2 has the role 'judge'")]
    [InlineData("""{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant"}]}""", "turn 2 of 'messages' has no 'content'")]
    [InlineData("""{"messages": [{"role": "user", "content": null}, {"role": "assistant", "content": "A"}]}""", "turn 1 of 'messages' has no 'content'")]
    [InlineData("""{"messages": [{"role": "user", "content": 5}, {"role": "assistant", "content": "A"}]}""", "the content of turn 1 is not a text")]
    [InlineData("""{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, {"role": "assistant", "content": "A"}]}""", "the content of turn 1 is not a text")]
    [InlineData("""{"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}, {"role": "assistant", "content": "A"}]}""", "the content of turn 1 is not a text")]
    [InlineData("""{"messages": [{"role": "assistant", "content": "A", "weight": -1}]}""", "the weight of turn 1 is -1")]
    [InlineData("""{"messages": [{"role": "assistant", "content": "A", "weight": "1"}]}""", "the weight of turn 1 is \"1\"")]
    [InlineData("""{"conversations": [{"from": "human", "text": "Q"}]}""", "turn 1 of 'conversations' has no 'value'")]
    [InlineData("""{"instruction": "Q"}""", "there is no 'output'")]
    [InlineData("""{"instruction": "Q", "input": ["I"], "output": "A"}""", "'input' is [\"I\"], expected text")]
    [InlineData("""{"instruction": "Q", "output": "A", "history": [["Q0"]]}""", "'history' is not a list of pairs of texts")]
    [InlineData("""{"prompt": "Q", "completion": null}""", "'completion' is null, expected text")]
    [InlineData("""{"question": "Q", "answer": "A"}""", "the columns question, answer fit none of the known layouts")]
    public void What_cannot_be_learned_from_is_refused_with_file_and_line(string row, string message)
    {
        var error = Assert.Throws<DatasetException>(() => Conversation.Read(Row("""{"messages": []}""", row), RowLayout.Auto));
        Assert.StartsWith(Path.Combine(_folder.Path, "rows.jsonl") + ", line 2: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_layout_that_was_chosen_is_not_guessed_again()
    {
        DataRow row = Row("""{"messages": [{"role": "assistant", "content": "A"}], "prompt": "Q", "completion": "C"}""");
        Assert.True(Conversation.Read(row, RowLayout.PromptCompletion).IsPlain);
        Assert.Contains("plain text is not a conversation", Assert.Throws<DatasetException>(() => Conversation.Read(row, RowLayout.Text)).Message, StringComparison.Ordinal);
    }

    private DataRow Row(params string[] lines) => JsonlReader.Read(_folder.Write("rows.jsonl", string.Join('\n', lines))).Last();
}
