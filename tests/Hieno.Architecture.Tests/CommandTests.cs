using System.Text.RegularExpressions;

namespace Hieno.Architecture.Tests;

public sealed partial class CommandTests
{
    [Fact]
    public void The_gate_runs_the_commands_of_the_readme()
    {
        string readme = Repository.Text("README.md");
        string[] commands = [.. Command().Matches(readme[readme.IndexOf("## Run it", StringComparison.Ordinal)..]).Select(match => match.Groups["command"].Value).Take(2)];
        Assert.Equal(2, commands.Length);
        Assert.StartsWith("dotnet run ", commands[0], StringComparison.Ordinal);
        Assert.StartsWith("dotnet test ", commands[1], StringComparison.Ordinal);
        string[] gate = Repository.Lines(".ci/run");
        Assert.All(commands, command => Assert.Contains(command, gate));
    }

    [Fact]
    public void The_gate_may_be_executed()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.True(File.GetUnixFileMode(Repository.PathOf(".ci/run")).HasFlag(UnixFileMode.UserExecute), "chmod +x .ci/run");
        }
    }

    [GeneratedRegex(@"^(?<command>dotnet (?:run|test) .*)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Command();
}
