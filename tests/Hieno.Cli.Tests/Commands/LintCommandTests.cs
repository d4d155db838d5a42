using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class LintCommandTests(TinyProject project) : IClassFixture<TinyProject>
{
    [Fact]
    public async Task Every_faulty_row_is_told_with_its_place_not_only_the_first()
    {
        string file = Write("faulty.jsonl", """
            {"text": "The hall was warm.", "label": "good"}
            {"text": "The hall was cold."}
            {"text": "The hall was slow.", "label": "bad"
            {"text": "", "label": "bad"}
            {"text": "The hall was rude.", "label": "bad", "label": "good"}
            {"text": "The hall was dirty.", "label": "bad"}
            """);

        CliRun run = await CliRun.Of("lint", file, "--base", project.Path("bert"), "--task", "classification");

        Assert.Equal((ExitCode.Failed, string.Empty), (run.Code, run.Error));
        string[] errors = [.. run.Lines.Where(line => line.StartsWith("error ", StringComparison.Ordinal))];
        Assert.Collection(
            errors,
            line => Assert.StartsWith($"error HN1208: {file}, line 2: ", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"error HN1203: {file}, line 3, column ", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"error HN1210: {file}, line 4: ", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"error HN1204: {file}, line 5, column ", line, StringComparison.Ordinal));
        Assert.Contains("rows      2 to learn from, 4 with faults", run.Lines);
    }

    [Fact]
    public async Task Lengths_labels_repeated_and_contradicting_rows_are_counted()
    {
        string file = Write("rows.jsonl", """
            {"text": "hall", "label": "good"}
            {"text": "the hall", "label": "bad"}
            {"text": "hall", "label": "good"}
            {"text": "hall", "label": "bad"}
            """);

        CliRun run = await CliRun.Of("lint", file, "--base", project.Path("bert"), "--max-length", "3", "--json");

        Assert.Equal(ExitCode.Done, run.Code);
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement tokens = json.RootElement.GetProperty("tokens");
        Assert.Equal((13, 3, 4, 1), (Number(tokens, "total"), Number(tokens, "least"), Number(tokens, "most"), Number(tokens, "rowsCut")));
        JsonElement labels = json.RootElement.GetProperty("labels");
        Assert.Equal((2, 2), (Number(labels, "good"), Number(labels, "bad")));
        Assert.Equal(
            [(3, 1, false), (4, 1, true)],
            json.RootElement.GetProperty("repeated").EnumerateArray().Select(item => (Number(item, "line"), Number(item, "first"), item.GetProperty("contradicts").GetBoolean())));
    }

    [Fact]
    public async Task The_preview_marks_what_is_learned_of_a_conversation_the_answer_and_its_end()
    {
        string file = Write("chats.jsonl", """{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ok"}]}""");

        CliRun run = await CliRun.Of("lint", file, "--base", project.Path("gpt2"), "--preview", "1");

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("for sft with", run.Output, StringComparison.Ordinal);
        string tokens = run.Lines[^1].Trim();
        Assert.StartsWith("<|im_start|> ", tokens, StringComparison.Ordinal);
        Assert.Contains(" «<|im_end|>»", tokens, StringComparison.Ordinal);
        string learned = string.Concat(tokens.Split(' ').Where(token => token.StartsWith('«')).Select(token => token.Trim('«', '»')));
        Assert.Equal("ok<|im_end|>", learned);
    }

    [Theory]
    [InlineData("causal-lm", "gpt2")]
    [InlineData("masked-lm", "bert")]
    [InlineData("classification", "bert")]
    public async Task Good_rows_have_no_faults_under_any_task(string task, string model)
    {
        CliRun run = await CliRun.Of("lint", project.Path("train.jsonl"), "--base", project.Path(model), "--task", task);

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Equal("no faults", run.Lines[^1]);
    }

    [Fact]
    public async Task Rows_of_one_label_are_a_fault()
    {
        string file = Write("one.jsonl", """{"text": "hall", "label": "good"}""");

        CliRun run = await CliRun.Of("lint", file, "--base", project.Path("bert"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("all rows have the same label 'good'", run.Output, StringComparison.Ordinal);
    }

    private string Write(string name, string rows)
    {
        File.WriteAllText(project.Path(name), rows);
        return project.Path(name);
    }

    private static int Number(JsonElement json, string name) => json.GetProperty(name).GetInt32();
}
