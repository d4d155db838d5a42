namespace Hieno.Recipes;

/// <summary>What binding a recipe gives.</summary>
/// <typeparam name="T">The record of the whole recipe.</typeparam>
/// <param name="Value">The settings, complete and within their ranges.</param>
/// <param name="Notes">
/// One line for each setting of the file that was left out because a flag chose a kind without such a setting.
/// Print them: they are the only thing of a recipe that is not used.
/// </param>
public sealed record RecipeBinding<T>(T Value, IReadOnlyList<string> Notes)
    where T : class;

/// <summary>Makes records of settings from trees of values, checking every key, type, range and rule.</summary>
/// <remarks>
/// A group of settings is a record with init-only properties; its keys are the properties' names in camel case. Properties may be
/// <see cref="string"/>, <see cref="bool"/>, <see cref="int"/>, <see cref="long"/>, <see cref="ulong"/>, <see cref="float"/>,
/// <see cref="double"/>, enums, types with <see cref="IScalarForm{TSelf}"/>, records, abstract records with kinds in the
/// <see cref="KindCatalog"/>, and <see cref="IReadOnlyList{T}"/> or <see cref="IReadOnlyDictionary{TKey, TValue}"/> (with text keys) of
/// these; each may be nullable. A property without a setter is no setting. <c>required</c>, <c>[Range]</c>, <c>[Length]</c>,
/// <c>[MinLength]</c>, <c>[MaxLength]</c>, <c>[AllowedValues]</c> and <see cref="IValidated"/> are checked.
/// Lists of a bound record compare by value, so two records bound from equal recipes are equal.
/// </remarks>
public static class RecipeBinder
{
    /// <summary>Binds a tree to a record.</summary>
    /// <typeparam name="T">The record of the whole recipe.</typeparam>
    /// <param name="tree">The tree, with flags already applied.</param>
    /// <param name="catalog">The known kinds.</param>
    /// <returns>The settings and notes.</returns>
    /// <exception cref="RecipeException">At least one setting is wrong; all faults are listed.</exception>
    /// <exception cref="InvalidOperationException">The record has a property that cannot be a setting.</exception>
    public static RecipeBinding<T> Bind<T>(MapNode tree, KindCatalog catalog)
        where T : class => Bind<T>(tree, catalog, []);

    internal static RecipeBinding<T> Bind<T>(MapNode tree, KindCatalog catalog, List<RecipeFault> faults)
        where T : class
    {
        var run = new BindingRun(typeof(T), catalog, new BindingFaults(typeof(T), catalog, faults));
        object? value = run.Bind(tree);

        // In the order of the file, so that a user mends it from top to bottom; flags come last.
        return faults.Count == 0
            ? new RecipeBinding<T>((T)value!, run.Notes)
            : throw new RecipeException([.. faults.OrderBy(f => f.Position.IsCommandLine).ThenBy(f => f.Line).ThenBy(f => f.Column)]);
    }
}
