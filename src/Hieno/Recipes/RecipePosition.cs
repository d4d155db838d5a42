using System.Globalization;

namespace Hieno.Recipes;

/// <summary>Where a key or value of a recipe was written: a place in a file, or a flag of the command line.</summary>
/// <param name="File">The recipe file as the user named it; for a flag, <c>command line: --tuning.rank</c>.</param>
/// <param name="Line">Line, counted from 1; 0 when the position is a whole file or a flag.</param>
/// <param name="Column">Character in the line, counted from 1; 0 when the position is a whole file or a flag.</param>
public readonly record struct RecipePosition(string File, int Line, int Column)
{
    /// <summary>True when the value was given by a flag, not by a file.</summary>
    public bool IsCommandLine { get; private init; }

    /// <summary>The position of a flag.</summary>
    /// <param name="flag">The flag as it was typed, without its value, e.g. <c>--tuning.rank</c>.</param>
    /// <returns>A position that prints <c>command line: --tuning.rank</c>.</returns>
    public static RecipePosition CommandLine(string flag) => new($"command line: {flag}", 0, 0) { IsCommandLine = true };

    /// <summary>The position of a file as a whole.</summary>
    /// <param name="file">The file as the user named it.</param>
    /// <returns>A position that prints the file's name alone.</returns>
    public static RecipePosition WholeFile(string file) => new(file, 0, 0);

    /// <summary>Prints <c>recipe.yaml, line 7, column 5</c>.</summary>
    /// <returns>The position as error messages begin with it.</returns>
    public override string ToString() =>
        Line == 0 ? File : string.Create(CultureInfo.InvariantCulture, $"{File}, line {Line}, column {Column}");
}
