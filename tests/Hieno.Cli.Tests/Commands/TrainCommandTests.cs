using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class TrainCommandTests : IDisposable
{
    private readonly TinyProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_run_tells_what_learns_how_it_goes_and_where_its_results_are()
    {
        CliRun run = await CliRun.Of("train", _project.Recipe());

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Contains("weights learn (100 %), from 24 rows in 4 steps", run.Output, StringComparison.Ordinal);
        Assert.Contains(run.Lines, line => line.StartsWith("step 4/4  epoch 1.00  loss ", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("step 4 on the validation rows: accuracy ", StringComparison.Ordinal));
        Assert.Matches(@"on the test rows +before +after\naccuracy +\d\.\d{4} +\d\.\d{4}\n", run.Output);
        Assert.Contains($"model   {_project.Path("run/final")}", run.Lines);
        Assert.True(File.Exists(_project.Path("run/final/model.safetensors")));
        Assert.Contains($"report  {_project.Path("run/report.md")}", run.Lines);
    }

    [Fact]
    public async Task Settings_of_the_command_line_win_over_the_recipe()
    {
        CliRun run = await CliRun.Of("train", _project.Recipe(), "--tuning", "lora", "--tuning.rank=2", "--json", "--training.maxSteps", "3");

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        using JsonDocument started = JsonDocument.Parse(run.Lines.First(line => line.Contains("\"event\":\"started\"", StringComparison.Ordinal)));
        Assert.Equal(3, started.RootElement.GetProperty("totalSteps").GetInt64());
        using JsonDocument adapter = JsonDocument.Parse(File.ReadAllText(_project.Path("run/final/adapter_config.json")));
        Assert.Equal(2, adapter.RootElement.GetProperty("r").GetInt32());
    }

    [Fact]
    public async Task Json_gives_the_events_of_the_run_folder_and_nothing_else()
    {
        CliRun run = await CliRun.Of("train", _project.Recipe(), "--json");

        Assert.Equal(File.ReadAllLines(_project.Path("run/events.jsonl")), run.Lines);
        using JsonDocument last = JsonDocument.Parse(run.Lines[^1]);
        Assert.Equal("completed", last.RootElement.GetProperty("event").GetString());
    }

    [Fact]
    public async Task Quiet_leaves_out_steps_and_checkpoints()
    {
        CliRun run = await CliRun.Of("train", _project.Recipe(), "--quiet");

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.DoesNotContain(run.Lines, line => line.StartsWith("step ", StringComparison.Ordinal) || line.StartsWith("checkpoint", StringComparison.Ordinal));
        Assert.Contains("done after 4 steps", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_leaves_a_checkpoint_from_which_the_printed_command_goes_on_to_the_same_weights()
    {
        string recipe = _project.Recipe();
        CliRun whole = await CliRun.Of("train", recipe, "--output", _project.Path("whole"));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        CliRun first = await CliRun.With(string.Empty, cancelled.Token, "train", recipe);
        CliRun second = await CliRun.Of("train", recipe, "--resume");

        Assert.Equal((ExitCode.Done, ExitCode.Cancelled, ExitCode.Done), (whole.Code, first.Code, second.Code));
        Assert.Contains($"To go on: hieno train {recipe} --resume", first.Error, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(_project.Path("whole/final/model.safetensors")), File.ReadAllBytes(_project.Path("run/final/model.safetensors")));
    }

    [Fact]
    public async Task A_used_run_folder_is_refused_until_told_to_resume_or_overwrite()
    {
        string recipe = _project.Recipe();
        await CliRun.Of("train", recipe);

        CliRun again = await CliRun.Of("train", recipe);
        CliRun overwritten = await CliRun.Of("train", recipe, "--overwrite");

        Assert.Equal((ExitCode.Failed, ExitCode.Done), (again.Code, overwritten.Code));
        Assert.StartsWith("error HN1702: ", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_faults_of_a_recipe_are_told_at_once_with_place_and_suggestion()
    {
        string recipe = _project.Recipe(more: "trainning: { epochs: 2 }");

        CliRun run = await CliRun.Of("train", recipe, "--training.epochs", "many", "--tuning", "lra");

        Assert.Equal((ExitCode.Usage, string.Empty), (run.Code, run.Output));
        Assert.Contains($"error HN1505: {recipe}, line 8, column 1: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'training'?", run.Error, StringComparison.Ordinal);
        Assert.Contains("error HN1508: command line: --training.epochs: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("error HN1506: command line: --tuning: ", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_project.Path("run")));
    }

    [Fact]
    public async Task A_row_without_a_label_is_told_by_file_and_line_without_a_stack_trace()
    {
        File.AppendAllText(_project.Path("train.jsonl"), """{"text": "no label"}""" + "\n");

        CliRun run = await CliRun.Of("train", _project.Recipe(), "--data.validation", "null");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith($"error HN1208: {_project.Path("train.jsonl")}, line 33: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flag_before_the_recipe_and_contradicting_flags_are_usage_errors()
    {
        CliRun early = await CliRun.Of("train", "--tuning.rank", "3", _project.Recipe());
        CliRun both = await CliRun.Of("train", _project.Recipe(), "--resume", "--overwrite");

        Assert.Equal((ExitCode.Usage, ExitCode.Usage), (early.Code, both.Code));
        Assert.Contains("'--tuning.rank' stands where the recipe should be", early.Error, StringComparison.Ordinal);
        Assert.Contains("Give one of them", both.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_a_terminal_figures_are_drawn_in_place_and_the_result_stays()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();

        int code = await Program.RunAsync(["train", _project.Recipe()], new Terminal(output, error, TextReader.Null, isInteractive: true));

        Assert.Equal((ExitCode.Done, string.Empty), (code, error.ToString()));
        Assert.Contains("\e[", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("validation at step", output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith($"report  {_project.Path("run/report.md")}\n", output.ToString(), StringComparison.Ordinal);
    }
}
