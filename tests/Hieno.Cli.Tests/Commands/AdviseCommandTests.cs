using System.Text.Json;
using Hieno.Recipes;

namespace Hieno.Cli.Tests.Commands;

public sealed class AdviseCommandTests(TinyProject project) : IClassFixture<TinyProject>
{
    [Fact]
    public async Task Advice_reasons_sources_memory_warnings_and_a_piece_to_paste_are_printed_and_nothing_is_trained()
    {
        CliRun run = await CliRun.Of("advise", project.Recipe(), "--training.epochs", "9", "--training.warmupRatio", "0.9", "--data.validation", "5");

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Contains("similarity unknown: the weights start at random", run.Lines);
        Assert.Contains(run.Lines, line => line.StartsWith("training.learningRate  ", StringComparison.Ordinal) && line.EndsWith("← change", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("    source: ", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("  full ", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("warning long-warmup: ", StringComparison.Ordinal) && line.EndsWith("See docs/warnings.md#long-warmup", StringComparison.Ordinal));
        Assert.Contains("to change in the recipe:", run.Lines);
        Assert.Contains("training:", run.Lines);
        Assert.False(Directory.Exists(project.Path("run")));
    }

    [Fact]
    public async Task A_flag_before_the_recipe_is_a_usage_error()
    {
        CliRun run = await CliRun.Of("advise", "--tuning", "lora", project.Recipe());

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("advise: '--tuning' stands where the recipe should be. Write 'hieno advise RECIPE --tuning …'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_is_told_as_json()
    {
        CliRun run = await CliRun.Of("advise", project.Recipe(), "--json");

        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement root = json.RootElement;
        Assert.Equal(("classification", 24), (root.GetProperty("task").GetString(), root.GetProperty("rows").GetInt32()));
        Assert.All(root.GetProperty("advice").EnumerateArray(), item => Assert.True(item.GetProperty("reason").GetString()!.Length > 0 && item.GetProperty("source").GetString()!.Length > 0));
        Assert.Equal("full", root.GetProperty("memory")[0].GetProperty("tuning").GetString());
        Assert.True(root.GetProperty("memory")[0].GetProperty("fits").GetBoolean());
    }

    [Fact]
    public async Task Applied_advice_is_a_recipe_of_its_own_that_advice_has_nothing_to_add_to()
    {
        string file = project.Path("advised.yaml");

        CliRun run = await CliRun.Of("advise", project.Recipe(), "--training.batchSize", "24", "--apply", file);
        CliRun again = await CliRun.Of("advise", file);
        CliRun refused = await CliRun.Of("advise", project.Recipe(), "--apply", file);

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.NotEqual(24, Recipe.Load(file).Training.BatchSize);
        Assert.Contains("nothing to change", again.Lines);
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains($"'{file}' exists already", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faults_of_the_recipe_are_told_as_elsewhere()
    {
        CliRun run = await CliRun.Of("advise", project.Recipe(more: "silence: [random-heads]"));

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("'silence' names 'random-heads', which is no warning. Did you mean 'random-head'?", run.Error, StringComparison.Ordinal);
        Assert.StartsWith("error HN1510: ", run.Error, StringComparison.Ordinal);
    }
}
