using System.Globalization;
using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class EvalCommandTests : IDisposable
{
    private readonly TinyProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_run_is_measured_as_its_own_report_measured_it()
    {
        await CliRun.Of("train", _project.Recipe(), "--quiet");
        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(_project.Path("run/report.json")));
        JsonElement after = report.RootElement.GetProperty("after");

        CliRun run = await CliRun.Of("eval", _project.Path("run"), _project.Path("test.jsonl"), "--json");
        CliRun model = await CliRun.Of("eval", _project.Path("run/final"), _project.Path("test.jsonl"), "--json", "--batch-size", "3");

        Assert.Equal((ExitCode.Done, ExitCode.Done), (run.Code, model.Code));
        foreach (CliRun each in new[] { run, model })
        {
            using JsonDocument json = JsonDocument.Parse(each.Output);
            Assert.Equal("classification", json.RootElement.GetProperty("task").GetString());
            foreach (string name in new[] { "accuracy", "macro-f1", "log-loss" })
            {
                JsonElement value = json.RootElement.GetProperty("metrics").GetProperty(name);
                Assert.Equal(after.GetProperty(name).GetDouble(), value.GetProperty("value").GetDouble(), 1e-5);
                Assert.InRange(value.GetProperty("value").GetDouble(), value.GetProperty("low").GetDouble(), value.GetProperty("high").GetDouble());
            }
        }
    }

    [Fact]
    public async Task Text_output_has_a_table_with_intervals_and_the_report_of_each_label()
    {
        await CliRun.Of("train", _project.Recipe(), "--quiet");

        CliRun run = await CliRun.Of("eval", _project.Path("run"), _project.Path("test.jsonl"), "--metrics", "accuracy,brier");

        Assert.Matches(@"metric +value +95 % interval\naccuracy +\d\.\d{4}  \d\.\d{4} to \d\.\d{4}\nbrier ", run.Output);
        Assert.Contains("support", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_language_model_has_the_perplexity_that_its_loss_implies()
    {
        await CliRun.Of("train", _project.Recipe(), "--base", _project.Path("gpt2"), "--task", "causal-lm", "--quiet");

        CliRun run = await CliRun.Of("eval", _project.Path("run/final"), _project.Path("test.jsonl"), "--json");

        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement metrics = json.RootElement.GetProperty("metrics");
        Assert.Equal("causal-lm", json.RootElement.GetProperty("task").GetString());
        Assert.Equal(Math.Exp(metrics.GetProperty("loss").GetProperty("value").GetDouble()), metrics.GetProperty("perplexity").GetProperty("value").GetDouble(), 1e-6);
    }

    [Fact]
    public async Task Unknown_labels_metrics_and_tasks_are_told()
    {
        await CliRun.Of("train", _project.Recipe(), "--quiet");
        File.AppendAllText(_project.Path("test.jsonl"), """{"text": "The hall was closed.", "label": "closed"}""" + "\n");

        CliRun label = await CliRun.Of("eval", _project.Path("run"), _project.Path("test.jsonl"));
        CliRun skipped = await CliRun.Of("eval", _project.Path("run"), _project.Path("test.jsonl"), "--skip-invalid");
        CliRun metric = await CliRun.Of("eval", _project.Path("run"), _project.Path("train.jsonl"), "--metrics", "acuracy");
        CliRun task = await CliRun.Of("eval", _project.Path("run"), _project.Path("train.jsonl"), "--task", "clasification");

        Assert.Equal((ExitCode.Failed, ExitCode.Done, ExitCode.Failed, ExitCode.Usage), (label.Code, skipped.Code, metric.Code, task.Code));
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"error HN1211: {_project.Path("test.jsonl")}, line 9: "), label.Error, StringComparison.Ordinal);
        Assert.Contains("on 8 rows", skipped.Output, StringComparison.Ordinal);
        Assert.Contains("'acuracy' is not a metric", metric.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'classification'?", task.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_absent_model_is_an_error_without_a_stack_trace()
    {
        CliRun run = await CliRun.Of("eval", _project.Path("nowhere"), _project.Path("test.jsonl"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Matches("^error HN11", run.Error);
    }
}
