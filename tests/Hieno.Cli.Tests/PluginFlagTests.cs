using System.Security.Cryptography;
using System.Text.Json;

namespace Hieno.Cli.Tests;

/// <summary>The method of samples/04-own-method, built as an assembly of its own, from the recipe to the merged model.</summary>
public sealed class PluginFlagTests : IDisposable
{
    private static readonly string s_plugin = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "OwnMethod", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/', '\\')), "OwnMethod.dll"));

    private readonly TinyProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_method_of_ones_own_trains_is_recorded_and_comes_back_only_where_its_assembly_is_named()
    {
        string run = await Tuned("plugins: [" + s_plugin + "]");
        string resolved = await File.ReadAllTextAsync(Path.Combine(run, "recipe.yaml"));
        Assert.Contains(s_plugin, resolved, StringComparison.Ordinal);
        Assert.Contains("kind: scale-and-shift", resolved, StringComparison.Ordinal);
        using JsonDocument record = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(run, "run.json")));
        JsonElement plugin = Assert.Single(record.RootElement.GetProperty("plugins").EnumerateArray());
        Assert.Equal("OwnMethod", plugin.GetProperty("name").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(s_plugin))), plugin.GetProperty("sha256").GetString());

        CliRun unnamed = await CliRun.Of("eval", run, _project.Path("test.jsonl"));
        Assert.Equal((ExitCode.Usage, $"error: {run}: this run was made with code of its own, which is run only where you name it. Pass --plugins {s_plugin}.\n"), (unnamed.Code, unnamed.Error));
        CliRun unknown = await CliRun.Of("eval", Path.Combine(run, "final"), _project.Path("test.jsonl"));
        Assert.Equal(ExitCode.Failed, unknown.Code);
        Assert.Contains("the adapter is of the kind SCALE_AND_SHIFT, which is not known here", unknown.Error, StringComparison.Ordinal);

        double tuned = await LogLoss(run, "--plugins", s_plugin);
        Assert.Equal(tuned, await LogLoss(Path.Combine(run, "final"), "--plugins", s_plugin));
        using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(run, "report.json")));
        Assert.Equal(report.RootElement.GetProperty("after").GetProperty("log-loss").GetDouble(), tuned, 5);
        Assert.NotEqual(report.RootElement.GetProperty("before").GetProperty("log-loss").GetDouble(), tuned, 5);

        CliRun merged = await CliRun.Of("merge", run, "--plugins", s_plugin, "--out", _project.Path("merged"));
        Assert.Equal((ExitCode.Done, string.Empty), (merged.Code, merged.Error));
        Assert.Equal(tuned, await LogLoss(_project.Path("merged")), 5);
    }

    [Fact]
    public async Task A_flag_of_train_names_the_assembly_as_well()
    {
        string run = await Tuned("", "--plugins", s_plugin);
        Assert.Contains("SCALE_AND_SHIFT", await File.ReadAllTextAsync(Path.Combine(run, "final", "adapter_config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_assembly_the_kind_is_unknown()
    {
        CliRun run = await CliRun.Of("train", _project.Recipe("scale-and-shift"));
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("'tuning' has no kind 'scale-and-shift'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_reference_describes_it()
    {
        CliRun run = await CliRun.Of("schema", "--reference", "--plugins", s_plugin);
        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Contains("      scale-and-shift: What chosen layers give is scaled and shifted by two learned vectors: y = γ ∘ (Wx + b) + β.", run.Lines);
    }

    // A base with weights, then the plugin's method on it; gives the run's folder.
    private async Task<string> Tuned(string more, params string[] flags)
    {
        CliRun full = await CliRun.Of("train", _project.Recipe(), "--output", _project.Path("base"), "--quiet");
        Assert.Equal((ExitCode.Done, string.Empty), (full.Code, full.Error));
        string run = _project.Path("own");
        CliRun own = await CliRun.Of(["train", _project.Recipe("scale-and-shift", more), "--base", _project.Path("base/final"), "--start", "pretrained", "--output", run, "--quiet", .. flags]);
        Assert.Equal((ExitCode.Done, string.Empty), (own.Code, own.Error));
        return run;
    }

    private async Task<double> LogLoss(string model, params string[] flags)
    {
        CliRun run = await CliRun.Of(["eval", model, _project.Path("test.jsonl"), "--metrics", "log-loss", "--json", .. flags]);
        Assert.True(run.Code == ExitCode.Done, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        return document.RootElement.GetProperty("metrics").GetProperty("log-loss").GetProperty("value").GetDouble();
    }
}
