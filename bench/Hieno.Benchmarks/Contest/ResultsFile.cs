using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Contest;

/// <summary>The record of a machine's runs, the newest first. Runs are added, never replaced: the spread between them is part of the result.</summary>
/// <remarks>A table above the runs sums them up; it is made anew from the runs' own last lines each time.</remarks>
internal static class ResultsFile
{
    private const string Rule = "\n## "; // every run is one such section

    /// <summary>The results file of this machine.</summary>
    public static string DefaultPath => Path.Combine(Repository.Bench, "results", MachineIdentity.Here.FileName + ".md");

    /// <summary>Writes a run of rows above the earlier ones.</summary>
    public static void Prepend(string path, IEnumerable<IRowReport> rows) => Prepend(path, rows.Select(row => row.ToMarkdown()));

    /// <summary>Writes a run above the earlier ones.</summary>
    /// <param name="path">The file; it is made where there is none.</param>
    /// <param name="sections">The run's parts, in Markdown.</param>
    public static void Prepend(string path, IEnumerable<string> sections)
    {
        string run = $"## {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC\n\n" + string.Join("\n", sections.Select(section => section.ReplaceLineEndings("\n")));
        string earlier = Runs(path);
        Write(path, $"# {MachineIdentity.Here}", earlier.Length > 0 ? run + "\n" + earlier : run);
    }

    /// <summary>Makes the table above the runs anew, as after runs of two branches were merged by hand.</summary>
    /// <exception cref="BenchmarkException">There is no such file.</exception>
    public static void SumUp(string path)
    {
        if (!File.Exists(path))
        {
            throw new BenchmarkException(ExitCode.Usage, $"results: there is no {path}. 'peers' writes it.");
        }

        Write(path, File.ReadLines(path).First(), Runs(path)); // the title may be another machine's
    }

    private static string Runs(string path)
    {
        if (!File.Exists(path))
        {
            return "";
        }

        string text = File.ReadAllText(path).ReplaceLineEndings("\n");
        int first = text.IndexOf(Rule, StringComparison.Ordinal);
        return first < 0 ? "" : text[(first + 1)..];
    }

    private static void Write(string path, string title, string runs)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        File.WriteAllText(path, $"{title}\n\nHow to read this: ../README.md\n\n{ResultsTable.Of(runs)}\n{runs}");
    }
}
