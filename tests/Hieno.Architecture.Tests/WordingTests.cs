using System.Text.RegularExpressions;

namespace Hieno.Architecture.Tests;

public sealed partial class WordingTests
{
    // The lists of the words themselves.
    private static readonly string[] s_exempt = ["tests/Hieno.Architecture.Tests/WordingTests.cs", "tests/Hieno.Architecture.Tests/TypeShapeTests.cs"];

    [Fact]
    public void No_file_names_a_place_on_the_machine_it_was_written_on()
    {
        string[] faults = Matches(MachinePath());
        Assert.True(faults.Length == 0, $"Paths of one machine mean nothing on another:\n{string.Join('\n', faults)}");
    }

    [Fact]
    public void No_source_file_has_left_over_notes()
    {
        string[] faults = Matches(LeftOver(), file => file.EndsWith(".cs", StringComparison.Ordinal));
        Assert.True(faults.Length == 0, $"Do it, or write it into an issue:\n{string.Join('\n', faults)}");
    }

    [Theory]
    [InlineData("see /Users/anna", true)]
    [InlineData("cd /home/anna && ls", true)]
    [InlineData("file:///home/anna/x", true)]
    [InlineData(@"C:\Users\anna", true)]
    [InlineData("src/home/x.cs", false)]
    [InlineData("https://example.org/home/page", false)]
    public void A_machine_path_is_recognised(string text, bool expected) => Assert.Equal(expected, MachinePath().IsMatch(text));

    private static string[] Matches(Regex pattern, Func<string, bool>? only = null) =>
        [.. Repository.TextFiles
            .Where(file => !s_exempt.Contains(file) && !file.EndsWith(".jsonl", StringComparison.Ordinal) && !file.EndsWith(".json", StringComparison.Ordinal))
            .Where(only ?? (_ => true))
            .SelectMany(file => Repository.Lines(file).Select((line, i) => (File: file, Number: i + 1, Match: pattern.Match(line))))
            .Where(found => found.Match.Success)
            .Select(found => $"{found.File}, line {found.Number}: {found.Match.Value}")];

    // A root that belongs to a person or to one set-up; in an address on the web the same words may stand after the host.
    [GeneratedRegex(@"(?<![\w.\-])(?:(?:file://)?/(?:tmp|home|root|Users)/[\w.]|[A-Z]:\\Users\\)", RegexOptions.CultureInvariant)]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(?:TODO|FIXME|HACK|XXX)\b", RegexOptions.CultureInvariant)]
    private static partial Regex LeftOver();
}
