using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class InterpolateCommandTests : IDisposable
{
    private readonly TinyProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_sweep_measures_the_models_that_eval_measures_and_saves_the_best()
    {
        await CliRun.Of("train", _project.Recipe("head"), "--quiet", "--output", _project.Path("start"));
        await CliRun.Of("train", _project.Recipe(), "--quiet", "--base", _project.Path("start/final"), "--start", "pretrained");

        CliRun sweep = await CliRun.Of(
            "interpolate", _project.Path("start"), _project.Path("run"), "--sweep", _project.Path("test.jsonl"), "--shifted", _project.Path("train.jsonl"),
            "--metric", "log-loss", "--alphas", "0,0.5,1", "--svg", _project.Path("curve.svg"), "--out", _project.Path("best"), "--json");

        Assert.Equal((ExitCode.Done, string.Empty), (sweep.Code, sweep.Error));
        JsonElement json = JsonDocument.Parse(sweep.Output).RootElement;
        double[] values = [.. json.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("validation").GetDouble())];
        Assert.Equal(3, values.Length);
        Assert.Equal(await LogLoss("start"), values[0], 1e-6);
        Assert.Equal(await LogLoss("run"), values[2], 1e-6);
        Assert.Equal(values.Min(), await LogLoss("best"), 1e-6);
        Assert.StartsWith("<svg", await File.ReadAllTextAsync(_project.Path("curve.svg")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_line_without_anything_to_do_is_refused()
    {
        CliRun idle = await CliRun.Of("interpolate", "a", "b");
        CliRun curve = await CliRun.Of("interpolate", "a", "b", "--out", "c", "--svg", "curve.svg");
        CliRun word = await CliRun.Of("interpolate", _project.Path("bert"), _project.Path("bert"), "--sweep", _project.Path("absent.jsonl"));

        Assert.Equal((ExitCode.Usage, ExitCode.Usage, ExitCode.Failed), (idle.Code, curve.Code, word.Code));
        Assert.Contains("there is nothing to do", idle.Error, StringComparison.Ordinal);
        Assert.Contains("belong to a sweep", curve.Error, StringComparison.Ordinal);
        Assert.Contains("absent.jsonl", word.Error, StringComparison.Ordinal);
    }

    private async Task<double> LogLoss(string name)
    {
        CliRun run = await CliRun.Of("eval", _project.Path(name), _project.Path("test.jsonl"), "--json");
        return JsonDocument.Parse(run.Output).RootElement.GetProperty("metrics").GetProperty("log-loss").GetProperty("value").GetDouble();
    }
}
