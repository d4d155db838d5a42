using System.Reflection;

namespace Hieno.Architecture.Tests;

/// <summary>What a user of the packages can call is a text file under review: a change of it is made on purpose.</summary>
public sealed class PublicApiTests
{
    public static TheoryData<string> Projects => ProjectDirectionTests.Libraries;

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_public_api_is_the_one_that_was_agreed(string project)
    {
        string file = $"tests/Hieno.Architecture.Tests/PublicApi/{project}.txt";
        string[] actual = [.. PublicApiText.Of(Assembly.Load(project))];
        if (Repository.Accepts)
        {
            File.WriteAllText(Repository.PathOf(file), string.Join('\n', actual) + "\n");
            return;
        }

        string[] agreed = Repository.Has(file) ? Repository.Lines(file) : [];
        string[] changes = [.. agreed.Except(actual).Select(line => "- " + line), .. actual.Except(agreed).Select(line => "+ " + line)];
        Assert.True(
            changes.Length == 0,
            $"The public API of {project} has changed:\n{string.Join('\n', changes)}\n"
            + $"If that is meant, write it down and commit {file}:\n  HIENO_ACCEPT=1 dotnet test -c Release tests/Hieno.Architecture.Tests --filter PublicApiTests");
    }
}
