namespace Hieno.Cli.Tests;

public sealed class ModelFolderTests
{
    [Fact]
    public async Task A_run_that_has_not_ended_is_told_apart_from_a_folder_without_a_model()
    {
        using var project = new TinyProject();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await CliRun.With(string.Empty, cancelled.Token, "train", project.Recipe());

        CliRun run = await CliRun.Of("eval", project.Path("run"), project.Path("test.jsonl"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("the run has not ended, so there is no tuned model yet", run.Error, StringComparison.Ordinal);
    }
}
