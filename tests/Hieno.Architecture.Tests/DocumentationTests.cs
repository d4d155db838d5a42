using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Hieno.Formats;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tuning;

namespace Hieno.Architecture.Tests;

public sealed partial class DocumentationTests
{
    private static readonly string[] s_pageParts = ["## What it means", "## Example", "## What to do"];

    public static TheoryData<string, string> Kinds
    {
        get
        {
            var data = new TheoryData<string, string>();
            KindCatalog kinds = BuiltIns.Kinds();
            foreach (Type type in (Type[])[typeof(ObjectiveOptions), typeof(TuningOptions), typeof(QuantizationOptions), typeof(OptimizerOptions), typeof(ScheduleOptions)])
            {
                foreach ((string kind, _) in kinds.KindsOf(type))
                {
                    data.Add(type.Name[..^"Options".Length], kind);
                }
            }

            return data;
        }
    }

    public static TheoryData<string> Metrics => [.. BuiltInMetrics.All.Select(metric => metric.Name)];

    public static TheoryData<string> Families => [.. BuiltInModels.Catalog().Names];

    public static TheoryData<string, string> Codes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (FieldInfo code in typeof(ErrorCodes).GetFields())
            {
                data.Add((string)code.GetRawConstantValue()!, code.Name);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_kind_that_recipes_can_name_is_described(string group, string kind) =>
        Assert.True(Pages().Any(page => Names(page, kind)), $"No page of docs/ names `{kind}` ({group}). Describe it: what it does, its settings, its source.");

    [Theory]
    [MemberData(nameof(Metrics))]
    public void A_metric_is_described(string metric) =>
        Assert.True(Names("docs/metrics.md", metric), $"docs/metrics.md does not name `{metric}`. Add its line.");

    [Theory]
    [MemberData(nameof(Families))]
    public void A_model_family_is_described(string family) =>
        Assert.True(Names("docs/models.md", family), $"docs/models.md does not name `{family}`. Add its line.");

    [Theory]
    [MemberData(nameof(Codes))]
    public void An_error_code_has_a_page(string code, string name)
    {
        string page = $"docs/errors/{code}.md";
        Assert.True(Repository.Has(page), $"{page} is missing: say what {name} means, with a true example, and what to do.");
        string text = Repository.Text(page);
        Assert.StartsWith($"# {code}: ", text, StringComparison.Ordinal);
        Assert.All(s_pageParts, part => Assert.Contains($"\n{part}\n", text, StringComparison.Ordinal));
        Assert.Contains($"({code}.md)", Repository.Text("docs/errors/README.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void No_page_describes_a_code_that_does_not_exist()
    {
        string[] known = [.. typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!)];
        Assert.Equal(known.Length, known.Distinct().Count());
        IEnumerable<string> pages = Repository.Files.Where(file => file.StartsWith("docs/errors/HN", StringComparison.Ordinal)).Select(file => Path.GetFileNameWithoutExtension(file)!);
        Assert.Empty(pages.Except(known));
    }

    [Fact]
    public void The_index_lists_every_page()
    {
        string index = Repository.Text("docs/README.md");
        string[] missing = [.. Pages().Where(page => page.Count(c => c == '/') == 1 && page != "docs/README.md").Select(Path.GetFileName).Where(page => !index.Contains($"({page})", StringComparison.Ordinal))!];
        Assert.True(missing.Length == 0, $"docs/README.md does not list {string.Join(", ", missing)}.");
    }

    [Fact]
    public void Decisions_are_numbered_without_a_gap_and_short()
    {
        string[] pages = [.. Repository.Files.Where(file => file.StartsWith("docs/decisions/", StringComparison.Ordinal) && char.IsDigit(Path.GetFileName(file)[0]))];
        Assert.NotEmpty(pages);
        for (int i = 0; i < pages.Length; i++)
        {
            Assert.StartsWith((i + 1).ToString("D4", CultureInfo.InvariantCulture) + "-", Path.GetFileName(pages[i]), StringComparison.Ordinal);
            Assert.True(Repository.Lines(pages[i]).Length <= 60, $"{pages[i]} is longer than 60 lines.");
        }
    }

    [Fact]
    public void Links_between_pages_lead_somewhere()
    {
        var faults = new List<string>();
        foreach (string page in Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal)))
        {
            foreach (Match link in Link().Matches(Repository.Text(page)))
            {
                string target = link.Groups["target"].Value.Split('#')[0];
                string path = Path.Combine(Path.GetDirectoryName(Repository.PathOf(page))!, target);
                if (target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !File.Exists(path) && !Directory.Exists(path))
                {
                    faults.Add($"{page}: {target}");
                }
            }
        }

        Assert.True(faults.Count == 0, $"Links that lead nowhere:\n{string.Join('\n', faults)}");
    }

    [Fact]
    public void The_readme_fits_its_first_screens() => Assert.InRange(Repository.Lines("README.md").Length, 1, 150);

    private static IEnumerable<string> Pages() => Repository.Files.Where(file => file.StartsWith("docs/", StringComparison.Ordinal) && file.EndsWith(".md", StringComparison.Ordinal));

    private static bool Names(string page, string name) => Repository.Has(page) && Repository.Text(page).Contains($"`{name}`", StringComparison.Ordinal);

    [GeneratedRegex(@"\]\((?<target>[^()\s]+)\)", RegexOptions.CultureInvariant)]
    private static partial Regex Link();
}
