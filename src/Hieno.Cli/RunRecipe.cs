using Hieno.Formats;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli;

/// <summary>The recipe in the folder of a run.</summary>
internal static class RunRecipe
{
    /// <summary>Reads it. Plugins that it names are not loaded: a folder that someone gave you does not run code unasked.</summary>
    /// <param name="folder">A run's folder, or another.</param>
    /// <param name="kinds">The kinds that are known.</param>
    /// <returns>The recipe, or null where the folder is not that of a run.</returns>
    /// <exception cref="UsageException">The run was made with a plugin that was not named.</exception>
    public static Recipe? Of(string folder, KindCatalog kinds)
    {
        string path = Path.Combine(folder, RunFolder.RecipeFileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return Recipe.Load(path, kinds: kinds);
        }
        catch (RecipeException e) when (e.Faults.Any(fault => fault.Code == ErrorCodes.RecipeUnknownKind) && PluginsOf(path) is { Length: > 0 } plugins)
        {
            throw new UsageException($"{folder}: this run was made with code of its own, which is run only where you name it. Pass {PluginFlag.Name} {string.Join(',', plugins)}.");
        }
    }

    private static string[] PluginsOf(string path) =>
        RecipeFile.ReadTree(path).Find("plugins")?.Value is ListNode list ? [.. list.Items.OfType<ScalarNode>().Select(item => item.Text)] : [];
}
