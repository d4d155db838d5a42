using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

/// <summary>A tiny model that has learned two answers by heart.</summary>
public sealed class ParrotModel : IAsyncLifetime, IDisposable
{
    public TinyProject Project { get; } = new();

    public string Folder => Project.Path("run");

    public async Task InitializeAsync()
    {
        await File.WriteAllLinesAsync(Project.Path("chats.jsonl"),
        [
            """{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "warm hall"}]}""",
            """{"messages": [{"role": "user", "content": "bye"}, {"role": "assistant", "content": "cold visit"}]}""",
        ]);
        CliRun run = await CliRun.Of(
            "train", Project.Recipe(), "--base", Project.Path("gpt2"), "--task", "sft", "--data.train", Project.Path("chats.jsonl"), "--data.validation", "null",
            "--data.test", "null", "--training.epochs", "80", "--training.learningRate", "0.02", "--training.checkpointEvery", "1000", "--quiet");
        Assert.True(run.Code == ExitCode.Done, run.Error);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => Project.Dispose();
}

public sealed class GenerateCommandTests(ParrotModel parrot) : IClassFixture<ParrotModel>
{
    [Fact]
    public async Task A_tuned_model_gives_the_answer_it_learned_and_stops_where_the_template_ends_a_turn()
    {
        CliRun run = await CliRun.Of("generate", parrot.Folder, "--chat", "--prompt", "hi", "--temperature", "0");

        Assert.Equal((ExitCode.Done, "warm hall\n", string.Empty), (run.Code, run.Output, run.Error));
    }

    [Fact]
    public async Task Several_prompts_are_continued_side_by_side_each_as_if_alone()
    {
        CliRun run = await CliRun.Of("generate", parrot.Folder, "--chat", "--prompt", "hi", "--prompt", "bye", "--temperature", "0", "--json");

        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal(["warm hall", "cold visit"], json.RootElement.EnumerateArray().Select(item => item.GetProperty("text").GetString()!));
        Assert.All(json.RootElement.EnumerateArray(), item =>
        {
            Assert.Equal("eos", item.GetProperty("finish").GetString());
            Assert.Equal(item.GetProperty("tokens").GetArrayLength(), item.GetProperty("logProbabilities").GetArrayLength());
        });
    }

    [Fact]
    public async Task The_prompt_may_come_from_the_standard_input_and_the_seed_decides_what_is_drawn()
    {
        string[] args = ["generate", parrot.Folder, "--max-new-tokens", "12", "--temperature", "5", "--seed"];
        CliRun first = await CliRun.With("The hall", default, [.. args, "1"]);
        CliRun again = await CliRun.With("The hall", default, [.. args, "1"]);
        CliRun other = await CliRun.With("The hall", default, [.. args, "2"]);

        Assert.Equal(first.Output, again.Output);
        Assert.NotEqual(first.Output, other.Output);
    }

    [Fact]
    public async Task A_setting_out_of_range_is_a_usage_error_and_a_masked_model_cannot_generate()
    {
        CliRun range = await CliRun.Of("generate", parrot.Folder, "--prompt", "hi", "--top-p", "1.5");
        await CliRun.Of("train", parrot.Project.Recipe(), "--task", "masked-lm", "--output", parrot.Project.Path("masked"), "--quiet");
        CliRun masked = await CliRun.Of("generate", parrot.Project.Path("masked"), "--prompt", "hi");

        Assert.Equal((ExitCode.Usage, ExitCode.Failed), (range.Code, masked.Code));
        Assert.Contains("TopP", range.Error, StringComparison.Ordinal);
        Assert.Matches("^error HN18", masked.Error);
    }

    [Fact]
    public async Task A_chat_answers_forgets_on_reset_and_ends_on_exit()
    {
        CliRun run = await CliRun.With("hi\n\n/reset\nbye\n/exit\nhi\n", default, "chat", parrot.Folder, "--temperature", "0");

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Equal(["warm hall", "cold visit"], run.Lines);
    }

    [Fact]
    public async Task A_long_chat_forgets_its_oldest_turns_instead_of_failing()
    {
        CliRun run = await CliRun.With(string.Concat(Enumerable.Repeat("The hall was warm on visit\n", 6)), default, "chat", parrot.Folder, "--max-new-tokens", "4");

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("the model reads at most 64 tokens; the oldest ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_generation_says_so()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        CliRun run = await CliRun.With(string.Empty, cancelled.Token, "generate", parrot.Folder, "--prompt", "hi");

        Assert.Equal((ExitCode.Cancelled, "cancelled\n"), (run.Code, run.Error));
    }
}
