using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli.Training;

/// <summary>What a run gained, and where its results are.</summary>
internal static class RunSummary
{
    public static void Write(TextWriter output, RunCompleted result, Recipe recipe)
    {
        string outcome = result.Outcome switch
        {
            RunOutcome.Completed => "done",
            RunOutcome.StoppedEarly => "stopped early, because the watched metric no longer improved,",
            _ => "cancelled",
        };
        output.WriteLine($"{outcome} after {Figures.Count(result.Step)} steps in {Figures.Duration(result.Seconds)}");
        if (result.Outcome == RunOutcome.Cancelled)
        {
            return;
        }

        if (result.After.Count > 0)
        {
            var table = new TextColumns("on the test rows", ">before", ">after");
            foreach ((string name, double after) in result.After)
            {
                table.Add(name, result.Before.TryGetValue(name, out double before) ? Figures.Metric(before) : "–", Figures.Metric(after));
            }

            output.WriteLine();
            table.Write(output);
            output.WriteLine();
        }

        output.WriteLine($"model   {result.Folder}");
        output.WriteLine($"report  {Path.Combine(recipe.Output, Report.TextFileName)}");
    }
}
