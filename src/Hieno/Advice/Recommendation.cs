using Hieno.Recipes;

namespace Hieno.Advice;

/// <summary>What a setting should be, and why.</summary>
/// <param name="Setting">The setting's path in a recipe, e.g. <c>training.epochs</c>.</param>
/// <param name="Now">What the recipe says.</param>
/// <param name="Advised">What is advised.</param>
/// <param name="Reason">Why, with the numbers it was drawn from.</param>
/// <param name="Source">The paper and section; what begins with "[D] ours" is Hieno's own rule.</param>
public sealed record Recommendation(string Setting, string Now, string Advised, string Reason, string Source)
{
    /// <summary>True where the recipe does as advised already.</summary>
    public bool IsFollowed => Change is null;

    /// <summary>Makes a recipe follow; null where it does already.</summary>
    internal Func<Recipe, Recipe>? Change { get; init; }
}
