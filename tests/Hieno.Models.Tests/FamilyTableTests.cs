using Hieno.Parity;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests;

/// <summary>The table of families in <c>docs/models.md</c> says what the checks find.</summary>
[Trait("tier", "golden")]
public sealed class FamilyTableTests
{
    private const string Begin = "<!-- families: begin -->";
    private const string End = "<!-- families: end -->";

    [SkippableFact]
    public void The_table_in_the_documentation_is_what_the_checks_find()
    {
        string page = Path.Combine(SharedFolder.RepositoryRoot, "docs", "models.md");
        string text = File.ReadAllText(page);
        (int begin, int end) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        string table = $"\n{Table()}";
        if (Environment.GetEnvironmentVariable("HIENO_ACCEPT") == "1")
        {
            File.WriteAllText(page, text[..begin] + table + text[end..]);
            return;
        }

        Assert.True(table == text[begin..end], $"docs/models.md shows{text[begin..end]}but found is{table}HIENO_ACCEPT=1 dotnet test -c Release tests/Hieno.Models.Tests --filter FamilyTableTests writes it into the page.");
    }

    private static string Table()
    {
        IEnumerable<IGrouping<string, Fixture>> families = GoldenModels.Names.Select(GoldenModels.Read).GroupBy(fixture => fixture.Config.ModelType).OrderBy(family => family.Key, StringComparer.Ordinal);
        string[] rows =
        [
            "| `model_type` | models | load | logits | gradients | AdamW | LoRA | merge | generate or head |",
            "|---|--:|---|---|---|---|---|---|---|",
            .. families.Select(family => $"| `{family.Key}` | {family.Count()} | {string.Join(" | ", Cells([.. family]))} |"),
        ];
        return string.Join('\n', rows) + "\n";
    }

    private static string[] Cells(Fixture[] fixtures)
    {
        Report[] reports = [.. fixtures.Select(fixture => Report.Of(fixture.Folder))];
        bool compares = reports.Any(report => report.Measurements.Any(m => m.Check == "merged"));
        return
        [
            Tick(Array.TrueForAll(reports, report => report.Measurements.Count > 0)),
            Tick(Passes("logits") && Passes("loss")),
            Tick(Passes("gradient")),
            Tick(Passes("adamw")),
            compares ? Tick(Passes("lora logits")) : $"({Tick(Merges())})",
            compares ? Tick(Passes("merged")) : $"({Tick(Merges())})",
            string.Join(", ", fixtures.Select(fixture => fixture.Task).Distinct().Order().Select(task => $"{NameOf(task)} {Tick(Works(task))}")),
        ];

        bool Passes(string check) => reports.SelectMany(report => report.Measurements).Where(m => m.Check == check).ToArray() is { Length: > 0 } found && Array.TrueForAll(found, m => m.Passes);
        bool Merges() => Array.TrueForAll(fixtures, fixture => FamilyChecks.Merged(fixture) <= 3 * LogitsCheck.Limit(fixture));
        bool Works(FixtureTask task) => Array.TrueForAll(fixtures, fixture => fixture.Task != task || (task == FixtureTask.CausalLanguage ? FamilyChecks.TokenByToken(fixture) <= LogitsCheck.Limit(fixture) : Passes("logits")));
    }

    private static string NameOf(FixtureTask task) => task switch
    {
        FixtureTask.CausalLanguage => "generates",
        FixtureTask.MaskedLanguage => "masked tokens",
        _ => "rows",
    };

    private static string Tick(bool passes) => passes ? "✓" : "✗";
}
