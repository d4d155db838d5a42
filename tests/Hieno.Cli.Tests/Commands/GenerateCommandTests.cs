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
    public async Task Prompts_go_through_adapters_of_their_own_side_by_side_as_each_would_alone()
    {
        string model = Path.Combine(parrot.Folder, "final");
        string[] runs = [parrot.Project.Path("one"), parrot.Project.Path("two")];
        for (int i = 0; i < 2; i++)
        {
            string rows = parrot.Project.Path($"rows{i}.jsonl");
            await File.WriteAllTextAsync(rows, $$"""{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "{{(i == 0 ? "quick and clean" : "rude")}}"}]}""" + "\n");
            CliRun run = await CliRun.Of(
                "train", parrot.Project.Recipe(), "--base", model, "--start", "pretrained", "--task", "sft", "--data.train", rows, "--data.validation", "null", "--data.test", "null",
                "--tuning", i == 0 ? "lora" : "ia3", "--training.epochs", "40", "--training.learningRate", "0.05", "--training.checkpointEvery", "1000", "--output", runs[i], "--quiet");
            Assert.True(run.Code == ExitCode.Done, run.Error);
        }

        string[] prompt = ["--chat", "--prompt", "hi", "--temperature", "0", "--max-new-tokens", "8"];
        string[] alone = [(await CliRun.Of(["generate", runs[0], .. prompt])).Output, (await CliRun.Of(["generate", runs[1], .. prompt])).Output, "warm hall\n"];
        CliRun mixed = await CliRun.Of(
            ["generate", model, "--adapter", $"one={runs[0]}", "--adapter", $"two={runs[1]}", .. prompt, "--prompt", "hi", "--prompt", "hi", "--use", "one", "--use", "two", "--use", "base", "--json"]);

        using JsonDocument json = JsonDocument.Parse(mixed.Output);
        Assert.Equal(alone, json.RootElement.EnumerateArray().Select(item => item.GetProperty("text").GetString() + "\n"));
        Assert.Equal(["one", "two", null], json.RootElement.EnumerateArray().Select(item => item.GetProperty("adapter").GetString()));
        Assert.NotEqual(alone[0], alone[2]);
    }

    [Theory]
    [InlineData("--use: 2 names for 1 prompts", "--adapter", "one={0}", "--use", "one", "--use", "base")]
    [InlineData("--use: 0 names for 1 prompts", "--adapter", "one={0}")]
    [InlineData("--use: there is no adapter 'two'. There are base.", "--use", "two")]
    [InlineData("--adapter: 'one' is not NAME=DIR", "--adapter", "one")]
    [InlineData("--adapter: 'base={0}' is not NAME=DIR", "--adapter", "base={0}")]
    public async Task Names_that_do_not_fit_are_usage_errors(string fault, params string[] flags)
    {
        string folder = parrot.Project.Path("adapter");
        if (!Directory.Exists(folder))
        {
            var model = Models.TextModel.Load(Path.Combine(parrot.Folder, "final"), Models.HeadChoice.Language);
            Tuning.PeftFolder.Save(new Tuning.LoRAOptions { Rank = 2 }.Create().Apply(model, seed: 1).Adapter!, Directory.CreateDirectory(folder).FullName, "base");
        }

        CliRun run = await CliRun.Of(["generate", Path.Combine(parrot.Folder, "final"), "--prompt", "hi", .. flags.Select(flag => flag.Replace("{0}", folder, StringComparison.Ordinal))]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(fault.Replace("{0}", folder, StringComparison.Ordinal), run.Error, StringComparison.Ordinal);
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
