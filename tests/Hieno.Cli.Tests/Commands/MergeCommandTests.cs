using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class MergeCommandTests : IDisposable
{
    private readonly TinyProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_merged_model_predicts_what_its_adapter_predicts()
    {
        await CliRun.Of("train", _project.Recipe(), "--quiet");
        string recipe = _project.Recipe("{ kind: lora, rank: 4, targets: [query, value] }");
        await CliRun.Of("train", recipe, "--base", _project.Path("run/final"), "--start", "pretrained", "--output", _project.Path("adapter"), "--quiet");

        CliRun merge = await CliRun.Of("merge", _project.Path("adapter"), "--out", _project.Path("merged"));
        CliRun adapter = await CliRun.Of("eval", _project.Path("adapter"), _project.Path("test.jsonl"), "--json");
        CliRun merged = await CliRun.Of("eval", _project.Path("merged"), _project.Path("test.jsonl"), "--json");

        Assert.Equal((ExitCode.Done, string.Empty), (merge.Code, merge.Error));
        Assert.Contains("largest difference of logits between adapter and merged model", merge.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(_project.Path("merged/adapter_config.json")));
        Assert.Equal(LogLoss(adapter), LogLoss(merged), 1e-5);
    }

    [Fact]
    public async Task An_adapter_of_a_quantised_base_merges_into_the_base_or_as_it_was_trained_and_says_which()
    {
        await CliRun.Of("train", _project.Recipe(), "--quiet");
        string recipe = _project.Recipe("{ kind: lora, rank: 4, targets: [query, value] }", "quantization: nf4");
        CliRun train = await CliRun.Of("train", recipe, "--base", _project.Path("run/final"), "--start", "pretrained", "--output", _project.Path("adapter"), "--quiet");

        CliRun plain = await CliRun.Of("merge", _project.Path("adapter"), "--out", _project.Path("plain"));
        CliRun asTrained = await CliRun.Of("merge", _project.Path("adapter"), "--out", _project.Path("as-trained"), "--as-trained");
        double trained = LogLoss(await CliRun.Of("eval", _project.Path("adapter"), _project.Path("test.jsonl"), "--json"));

        Assert.Equal((0, 0, 0), (train.Code, plain.Code, asTrained.Code));
        Assert.Contains("the base was quantised to NF4 in training, and the adapter is now merged into the base as it is in its file", plain.Output, StringComparison.Ordinal);
        Assert.Contains("the merged weights are those numbers, in 32 bits", asTrained.Output, StringComparison.Ordinal);
        Assert.Equal(trained, LogLoss(await CliRun.Of("eval", _project.Path("as-trained"), _project.Path("test.jsonl"), "--json")), 1e-5);
        Assert.NotEqual(trained, LogLoss(await CliRun.Of("eval", _project.Path("plain"), _project.Path("test.jsonl"), "--json")), 1e-6);
    }

    [Fact]
    public async Task A_whole_model_and_a_used_folder_are_refused()
    {
        await CliRun.Of("train", _project.Recipe(), "--quiet");

        CliRun whole = await CliRun.Of("merge", _project.Path("run"), "--out", _project.Path("merged"));
        CliRun used = await CliRun.Of("merge", _project.Path("run"), "--out", _project.Path("bert"));

        Assert.Equal((ExitCode.Usage, ExitCode.Usage), (whole.Code, used.Code));
        Assert.Contains("there is no adapter to merge", whole.Error, StringComparison.Ordinal);
        Assert.Contains("holds a model already", used.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Adapters_become_one_adapter_and_models_take_task_vectors()
    {
        await CliRun.Of("train", _project.Recipe("head"), "--quiet");
        await CliRun.Of("train", _project.Recipe(), "--quiet", "--base", _project.Path("run/final"), "--start", "pretrained", "--output", _project.Path("tuned"));
        string recipe = _project.Recipe("{ kind: lora, rank: 2, targets: [query, value] }");
        await CliRun.Of("train", recipe, "--base", _project.Path("run/final"), "--start", "pretrained", "--output", _project.Path("adapter"), "--quiet");
        string adapter = _project.Path("adapter");
        string tuned = _project.Path("tuned");

        CliRun half = await CliRun.Of("merge", adapter, adapter, "--weights", "0.25,0.75", "--out", _project.Path("both"));
        CliRun ties = await CliRun.Of("merge", tuned, "--base", _project.Path("run"), "--method", "ties", "--density", "0.5", "--out", _project.Path("ties"));
        CliRun gone = await CliRun.Of("merge", tuned, "--base", _project.Path("run"), "--weights=-1", "--out", _project.Path("negated"));
        CliRun mixed = await CliRun.Of("merge", adapter, tuned, "--out", _project.Path("never"));
        CliRun unknown = await CliRun.Of("merge", tuned, "--base", _project.Path("run"), "--method", "cat", "--out", _project.Path("never"));
        CliRun count = await CliRun.Of("merge", tuned, tuned, "--weights", "1", "--out", _project.Path("never"));
        CliRun density = await CliRun.Of("merge", tuned, "--base", _project.Path("run"), "--density", "0", "--out", _project.Path("never"));

        Assert.Equal((0, 0, 0), (half.Code, ties.Code, gone.Code));
        Assert.Contains("exactly the weighted sum", half.Output, StringComparison.Ordinal);
        Assert.Equal(LogLoss(await CliRun.Of("eval", adapter, _project.Path("test.jsonl"), "--json")), LogLoss(await CliRun.Of("eval", _project.Path("both"), _project.Path("test.jsonl"), "--json")), 1e-5);
        Assert.All([mixed, unknown, count, density], run => Assert.Equal(ExitCode.Usage, run.Code));
        Assert.Contains("--density is 0", density.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_project.Path("never")));
    }

    private static double LogLoss(CliRun run)
    {
        using JsonDocument json = JsonDocument.Parse(run.Output);
        return json.RootElement.GetProperty("metrics").GetProperty("log-loss").GetProperty("value").GetDouble();
    }
}
