using System.CommandLine;
using Hieno.Benchmarks.Contest;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>results</c>: sums up the runs of a results file.</summary>
internal static class ResultsCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<FileInfo?> file = new("--file") { Description = "Results file. Default: bench/results/<machine>.md." };
        Command command = new("results", "Makes the table at the top of the results file anew; measures nothing.") { file };
        command.SetAction(parsed =>
        {
            ResultsFile.SumUp(parsed.GetValue(file)?.FullName ?? ResultsFile.DefaultPath);
            return ExitCode.Pass;
        });
        return command;
    }
}
