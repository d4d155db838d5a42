using System.CommandLine;
using Hieno.Merging;
using Hieno.Recipes;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno soup MODEL MODEL … --out DIR</c>: the mean of several tunings of one base.</summary>
internal static class SoupCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "soup",
            "Averages the weights of models that were tuned from one base with one output layer: of all (uniform), or with --greedy of those that do not spoil a metric on held-out rows.",
            "hieno soup runs/seed1 runs/seed2 runs/seed3 --out models/soup",
            "hieno soup runs/seed1 runs/seed2 runs/seed3 --greedy validation.jsonl --metric accuracy --out models/soup");
        Argument<string[]> models = verb.With(new Argument<string[]>("MODEL") { Description = "Models, or the folders of their runs.", Arity = ArgumentArity.OneOrMore });
        Option<string?> output = verb.Text("--out", "DIR", "The folder to save the soup in; it must be absent or empty.");
        output.Required = true;
        Option<string?> greedy = verb.Text("--greedy", "DATA", "Rows that none was trained on: models are added, best first, as long as the metric does not get worse.");
        Option<string?> metric = verb.Text("--metric", "NAME", "What --greedy measures. Default: the first metric of the task.");
        var flags = new DataFlags(verb);
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            string[] folders = parsed.GetRequiredValue(models);
            IReadOnlyList<string> chosen = folders;
            if (parsed.GetValue(greedy) is { } file)
            {
                KindCatalog kinds = plugins.Kinds(parsed);
                HeldOutRows rows = HeldOutRows.Read(folders[0], flags.Of(parsed, file, RunRecipe.Of(folders[0], kinds)?.Data), parsed.GetValue(metric), terminal, kinds);
                GreedySoup soup = terminal.During("measuring …", () => GreedySoup.Choose(folders, rows.Metric, rows.Measure));
                Write(soup, rows, terminal.Output);
                chosen = soup.Chosen;
            }

            using WeightMix mix = WeightMix.Average(chosen);
            mix.Save(parsed.GetRequiredValue(output)!);
            terminal.WriteLine($"model   {parsed.GetRequiredValue(output)}, the mean of {chosen.Count} of {folders.Length} models");
        });
        return verb;
    }

    private static void Write(GreedySoup soup, HeldOutRows rows, TextWriter output)
    {
        output.WriteLine($"{rows.Metric.Name} on {Figures.Count(rows.Count)} rows of {rows.File}");
        var table = new TextColumns("model", ">alone", ">in the soup", "");
        foreach (SoupStep step in soup.Steps)
        {
            table.Add(step.Model, Figures.Metric(step.Alone), Figures.Metric(step.Together), step.Kept ? "kept" : "left out");
        }

        table.Write(output);
    }
}
