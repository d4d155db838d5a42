using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class DoctorCommandTests(TinyProject project) : IClassFixture<TinyProject>
{
    [Fact]
    public async Task A_sound_machine_passes_and_tells_what_it_has()
    {
        CliRun run = await CliRun.Of("doctor", "--dir", project.Folder, "--json");

        using JsonDocument json = JsonDocument.Parse(run.Output);
        Dictionary<string, string> states = json.RootElement.EnumerateArray()
            .ToDictionary(item => item.GetProperty("subject").GetString()!, item => item.GetProperty("state").GetString()!, StringComparer.Ordinal);
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Equal(("ok", "ok", "ok"), (states["Unicode"], states["arithmetic"], states["speed"]));
        Assert.All([".NET", "processor", "vectors", "memory", "huge pages", "disk"], subject => Assert.Contains(subject, states.Keys));
        Assert.Equal(4, Directory.EnumerateFileSystemEntries(project.Folder).Count()); // the probe file is gone
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_to_is_wrong()
    {
        CliRun run = await CliRun.Of("doctor", "--dir", project.Path("nowhere"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Matches("\ndisk +WRONG ", run.Output);
    }
}
