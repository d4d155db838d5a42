using System.Text.RegularExpressions;

namespace Hieno.Architecture.Tests;

/// <summary>Code that a page shows is code of the repository: <c>&lt;!-- excerpt: path --&gt;</c> before a block says where it stands.</summary>
public sealed partial class ExcerptTests
{
    private const int LongestInTour = 15;
    private const int TourLines = 2500;

    public static TheoryData<string, string, string> Excerpts
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (string page in Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal)))
            {
                foreach (Match match in Excerpt().Matches(Repository.Text(page)))
                {
                    data.Add(page, match.Groups["file"].Value, match.Groups["code"].Value);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Excerpts))]
    public void An_excerpt_is_still_in_its_file(string page, string file, string code)
    {
        Assert.True(Repository.Has(file), $"{page} shows an excerpt of {file}, which is not there.");
        string[] wanted = Dedent(code.TrimEnd('\n').Split('\n'));
        string[] lines = Repository.Lines(file);
        bool found = Enumerable.Range(0, Math.Max(0, lines.Length - wanted.Length + 1))
            .Any(start => Dedent(lines[start..(start + wanted.Length)]).SequenceEqual(wanted, StringComparer.Ordinal));
        Assert.True(found, $"{page}: this excerpt is no longer in {file}; copy it again:\n{code}");
    }

    [Fact]
    public void The_pages_that_show_code_say_where_it_stands()
    {
        string[] pages = [.. Excerpts.Select(row => (string)row[0]).Distinct()];
        Assert.Superset(new HashSet<string>(StringComparer.Ordinal) { "README.md", "CONTRIBUTING.md", "docs/tour.md" }, pages.ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_stop_of_the_tour_has_a_file_an_excerpt_and_an_exercise()
    {
        string[] stops = [.. Stop().Split(Repository.Text("docs/tour.md")).Skip(1)];
        Assert.NotEmpty(stops);
        foreach (string stop in stops)
        {
            Match excerpt = Excerpt().Match(stop);
            Assert.True(excerpt.Success, $"This stop shows nothing:\n{stop}");
            Assert.InRange(excerpt.Groups["code"].Value.TrimEnd('\n').Split('\n').Length, 1, LongestInTour);
            Assert.Contains("\n*Exercise.*", stop, StringComparison.Ordinal);
            Assert.Contains(FilesOf(stop), file => file == excerpt.Groups["file"].Value);
        }
    }

    [Fact]
    public void The_tour_can_be_read_in_an_afternoon()
    {
        string[] files = [.. FilesOf(Repository.Text("docs/tour.md"))];
        Assert.NotEmpty(files);
        int lines = files.Sum(file => Repository.Lines(file).Length);
        Assert.True(lines <= TourLines, $"The files of the tour have {lines} lines, more than {TourLines}.");
    }

    // The links of the stops' headings: ## 3. [Ops/RmsNorm.cs](../src/…): what an operation is
    private static IEnumerable<string> FilesOf(string text) =>
        HeadingLink().Matches(text).Select(match => match.Groups["file"].Value).Distinct(StringComparer.Ordinal);

    private static string[] Dedent(string[] lines)
    {
        int indent = lines.Where(line => line.Trim().Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return [.. lines.Select(line => line.Trim().Length == 0 ? string.Empty : line[indent..].TrimEnd())];
    }

    [GeneratedRegex(@"<!-- excerpt: (?<file>\S+) -->\n```\w*\n(?<code>.*?)\n```", RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Excerpt();

    [GeneratedRegex(@"^## (?=\d+\. )", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Stop();

    [GeneratedRegex(@"^(?:## )?\d+\. .*?\]\(\.\./(?<file>[^)]+)\)", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex HeadingLink();
}
