using System.CommandLine;
using Hieno.Recipes;

namespace Hieno.Cli;

/// <summary>The arguments of verbs that read a recipe: its file, and settings that win over those in it.</summary>
internal sealed class RecipeArguments(Verb verb)
{
    private readonly Argument<string> _path = verb.Required("RECIPE", "The recipe, a .yaml or .json file. It comes before the settings.");

    private readonly Argument<string[]> _settings = verb.With(new Argument<string[]>("settings")
    {
        Description = "Settings that win over those of the recipe, e.g. --training.epochs 5.",
        HelpName = "--key value",
        Arity = ArgumentArity.ZeroOrMore,
        DefaultValueFactory = _ => [],
    });

    /// <summary>The recipe's file.</summary>
    /// <exception cref="UsageException">A setting stands in its place.</exception>
    public string Path(ParseResult parsed)
    {
        string path = parsed.GetRequiredValue(_path);

        // Which flags have a value is known only to the recipe, so it cannot be looked for behind them.
        return path.StartsWith("--", StringComparison.Ordinal)
            ? throw new UsageException($"{verb.Name}: '{path}' stands where the recipe should be. Write 'hieno {verb.Name} RECIPE {path} …'.")
            : path;
    }

    /// <summary>The settings as they were written.</summary>
    public string[] Settings(ParseResult parsed) => parsed.GetValue(_settings)!;

    /// <summary>Reads the recipe, and notes what was left out of it because a flag chose another kind.</summary>
    /// <exception cref="RecipeException">All faults at once, each with its place.</exception>
    public RecipeBinding<Recipe> Bind(ParseResult parsed, Terminal terminal)
    {
        RecipeBinding<Recipe> bound = Recipe.Bind(Path(parsed), RecipeOverrides.Parse(Settings(parsed)));
        foreach (string note in bound.Notes)
        {
            terminal.Error.WriteLine($"note: {note}");
        }

        return bound;
    }
}
