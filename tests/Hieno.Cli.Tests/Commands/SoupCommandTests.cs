namespace Hieno.Cli.Tests.Commands;

public sealed class SoupCommandTests : IDisposable
{
    private readonly TinyProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task Models_are_averaged_all_or_those_that_do_not_spoil_the_metric()
    {
        string start = _project.Path("start/final");
        await CliRun.Of("train", _project.Recipe("head"), "--quiet", "--output", _project.Path("start"));
        foreach (string seed in (string[])["1", "2"])
        {
            await CliRun.Of("train", _project.Recipe(), "--quiet", "--base", start, "--start", "pretrained", "--seed", seed, "--output", _project.Path(seed));
        }

        CliRun uniform = await CliRun.Of("soup", _project.Path("1"), _project.Path("2"), "--out", _project.Path("uniform"));
        CliRun greedy = await CliRun.Of("soup", _project.Path("1"), _project.Path("2"), "--greedy", _project.Path("test.jsonl"), "--metric", "log-loss", "--out", _project.Path("greedy"));
        CliRun used = await CliRun.Of("soup", _project.Path("1"), _project.Path("2"), "--out", _project.Path("uniform"));

        Assert.Equal((ExitCode.Done, string.Empty, ExitCode.Done, string.Empty), (uniform.Code, uniform.Error, greedy.Code, greedy.Error));
        Assert.Contains("the mean of 2 of 2 models", uniform.Output, StringComparison.Ordinal);
        Assert.Contains("log-loss on 8 rows", greedy.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await CliRun.Of("eval", _project.Path("greedy"), _project.Path("test.jsonl"))).Code);
        Assert.Equal(ExitCode.Failed, used.Code);
        Assert.Contains("there is something at this place already", used.Error, StringComparison.Ordinal);
    }
}
