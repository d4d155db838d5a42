using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Objectives;

namespace Hieno.Tests.Objectives;

public sealed class CausalLanguageModelingTests : IDisposable
{
    private readonly ObjectiveSetup _setup = new();

    public void Dispose() => _setup.Dispose();

    [Fact]
    public void Texts_are_joined_by_the_end_token_and_cut_without_loss()
    {
        ModelTokenizer tokenizer = _setup.Bpe();
        string[] texts = ["the cat sat on the mat", "and the dog sat on the log", "a question"];
        List<DataRow> rows = _setup.Rows([.. texts.Select(text => $$"""{"text": "{{text}}"}""")]);
        IObjective objective = _setup.Prepare(new CausalLanguageModelingOptions(), tokenizer, rows, maxLength: 8);
        IReadOnlyList<Example> examples = ObjectiveSetup.Encode(objective, rows);
        Assert.Equal(string.Concat(texts.Select(text => text + "<|end|>")), string.Concat(examples.Select(example => ObjectiveSetup.Read(tokenizer, example))));
        Assert.All(examples.SkipLast(1), example => Assert.Equal(8, example.Ids.Length));
        Assert.All(examples, example => Assert.Equal(example.Ids, example.TokenLabels));
        Assert.Equal("rows.jsonl, tokens 8 to 15", examples[1].Source);
    }

    [Theory]
    [InlineData("""{"title": "A", "body": "B", "text": "C"}""", "C")]
    [InlineData("""{"sentence": "S"}""", "S")]
    [InlineData("""{"title": "A", "body": "B"}""", "A\nB", "title", "body")]
    [InlineData("""{"body": "B"}""", "B", "title", "body")]
    public void Columns_are_those_named_or_the_usual_ones(string row, string expected, params string[] columns) =>
        Assert.Equal(expected, CausalLanguageModeling.TextOf(_setup.Rows(row)[0], new DataOptions { Train = [], TextColumns = columns }));

    [Theory]
    [InlineData("""{"text": ""}""", "'text' is empty")]
    [InlineData("""{"text": 5}""", "'text' is 5, expected text")]
    [InlineData("""{"words": "x"}""", "there is no 'text'; the row has words")]
    public void Rows_without_text_are_reported(string row, string message)
    {
        List<DataRow> rows = _setup.Rows(row);
        IObjective objective = _setup.Prepare(new CausalLanguageModelingOptions(), _setup.Bpe(), rows);
        Assert.Contains($"rows.jsonl, line 1: {message}", ObjectiveSetup.Fault(objective, rows), StringComparison.Ordinal);
    }
}
