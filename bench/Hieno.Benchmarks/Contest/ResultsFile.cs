using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Contest;

/// <summary>The record of a machine's runs, the newest first. Runs are added, never replaced: the spread between them is part of the result.</summary>
internal static class ResultsFile
{
    private const string Rule = "\n## "; // every run is one such section

    /// <summary>Writes a run above the earlier ones.</summary>
    public static void Prepend(string path, IEnumerable<RowReport> rows)
    {
        string earlier = "";
        if (File.Exists(path))
        {
            string text = File.ReadAllText(path).ReplaceLineEndings("\n");
            int first = text.IndexOf(Rule, StringComparison.Ordinal);
            earlier = first < 0 ? "" : text[(first + 1)..];
        }

        string head = $"# {MachineIdentity.Here}\n\nHow to read this: ../README.md\n\n";
        string run = $"## {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC\n\n" + string.Join("\n", rows.Select(row => row.ToMarkdown().ReplaceLineEndings("\n")));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string whole = head + run + (earlier.Length > 0 ? "\n" + earlier : "");
        File.WriteAllText(path, whole);
    }
}
