using System.CommandLine;
using Hieno.Cli.Training;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno train RECIPE</c>: the main job.</summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "train",
            "Fine-tunes a model by a recipe. Every setting of the recipe is also a flag: --tuning.rank 16, --training.maxSteps 10. "
            + "'hieno schema --reference' lists them. Ctrl-C ends at the next step with a checkpoint.",
            "hieno train quickstart.yaml",
            "hieno train quickstart.yaml --tuning lora --tuning.rank 16 --training.epochs 5 --output runs/rank16",
            "hieno train quickstart.yaml --resume");
        var recipe = new RecipeArguments(verb);
        Option<bool> resume = verb.Flag("--resume", "Goes on from the newest checkpoint in the run folder.");
        Option<bool> overwrite = verb.Flag("--overwrite", "Removes what an earlier run left in the run folder, and begins anew.");
        Option<bool> json = verb.Flag("--json", "Prints each event as a line of JSON.");
        Option<bool> quiet = verb.Flag("--quiet", "Prints only notes, warnings and the result.");
        verb.Validators.Add(result =>
        {
            if (result.GetValue(resume) && result.GetValue(overwrite))
            {
                result.AddError("--resume goes on with a run, --overwrite removes it. Give one of them.");
            }
        });
        verb.SetAction(async (parsed, cancellation) =>
        {
            RecipeBinding<Recipe> bound = recipe.Bind(parsed, terminal);

            bool isJson = parsed.GetValue(json);
            ITrainingView view = isJson ? new JsonTrainingView(terminal)
                : parsed.GetValue(quiet) ? new PlainTrainingView(terminal, isQuiet: true)
                : terminal.IsInteractive ? new LiveTrainingView(terminal, TimeProvider.System)
                : new PlainTrainingView(terminal);
            FineTuner tuner = FineTuner.Create(bound.Value, new FineTunerOptions { Resume = parsed.GetValue(resume), Overwrite = parsed.GetValue(overwrite) });
            RunCompleted result = await view.WatchAsync(tuner.RunAsync(cancellation));
            if (!isJson)
            {
                RunSummary.Write(terminal.Output, result, bound.Value);
            }

            if (result.Outcome != RunOutcome.Cancelled)
            {
                return ExitCode.Done;
            }

            string again = string.Join(' ', ["hieno train", .. recipe.Settings(parsed).Prepend(recipe.Path(parsed)).Select(Quoted), "--resume"]);
            terminal.Error.WriteLine($"cancelled after step {result.Step}, with a checkpoint. To go on: {again}");
            return ExitCode.Cancelled;
        });
        return verb;
    }

    private static string Quoted(string argument) => argument.Any(c => char.IsWhiteSpace(c) || c is '*' or '[' or '"' or '\'' or '$') ? $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'" : argument;
}
