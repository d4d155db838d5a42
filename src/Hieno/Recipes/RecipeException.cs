using System.Globalization;
using Hieno.Formats;

namespace Hieno.Recipes;

/// <summary>One fault of a recipe.</summary>
/// <param name="Code">One of the HN15xx codes of <see cref="ErrorCodes"/>.</param>
/// <param name="Position">Where the key or value stands.</param>
/// <param name="Key">Path of the setting, e.g. <c>tuning.rank</c>; empty when the fault is about the file.</param>
/// <param name="Message">What is wrong and what to do, in whole sentences.</param>
public sealed record RecipeFault(string Code, RecipePosition Position, string Key, string Message)
{
    /// <summary>The recipe file, or <c>command line: --flag</c>.</summary>
    public string File => Position.File;

    /// <summary>Line, counted from 1; 0 when the fault has no line.</summary>
    public int Line => Position.Line;

    /// <summary>Character in the line, counted from 1; 0 when the fault has no line.</summary>
    public int Column => Position.Column;

    /// <summary>Prints <c>recipe.yaml, line 7, column 5: 'tuning.rnak' is not a setting of lora. Did you mean 'rank'?</c></summary>
    /// <returns>The fault in one line.</returns>
    public override string ToString() => $"{Position}: {Message}";
}

/// <summary>A recipe cannot be used. Carries all faults that were found, not only the first.</summary>
public sealed class RecipeException : HienoException
{
    /// <summary>Gathers the faults of a recipe.</summary>
    /// <param name="faults">At least one fault, in the order in which they are printed.</param>
    /// <param name="inner">The cause, or null.</param>
    /// <exception cref="ArgumentException"><paramref name="faults"/> is empty.</exception>
    public RecipeException(IReadOnlyList<RecipeFault> faults, Exception? inner = null)
        : base(faults.Count > 0 ? faults[0].Code : throw new ArgumentException("No fault was given.", nameof(faults)),
            MessageOf(faults), inner)
    {
        Faults = faults;
    }

    /// <summary>All faults; <see cref="HienoException.Code"/> is that of the first.</summary>
    public IReadOnlyList<RecipeFault> Faults { get; }

    // A hostile file can have a fault in each of a hundred thousand keys; a hundred lines are more than anyone mends at once.
    private static string MessageOf(IReadOnlyList<RecipeFault> faults)
    {
        const int Most = 100;
        string lines = string.Join('\n', faults.Take(Most));
        return faults.Count <= Most
            ? lines
            : string.Create(CultureInfo.InvariantCulture, $"{lines}\n… and {faults.Count - Most} more faults.");
    }
}
