using System.CommandLine;
using Hieno.Plugins;
using Hieno.Recipes;

namespace Hieno.Cli;

/// <summary>The option of verbs that open models and runs without a recipe: assemblies with the methods that made them.</summary>
internal sealed class PluginFlag(Verb verb)
{
    public const string Name = "--plugins";

    private readonly Option<string[]> _files = verb.Texts(Name, "FILE", "Assemblies (.dll) with the methods that made it, where these are not built in. Their code runs in this program.");

    /// <summary>The kinds that are known: the built-in ones and those of the plugins.</summary>
    /// <exception cref="RecipeException">A plugin cannot be loaded.</exception>
    public KindCatalog Kinds(ParseResult parsed) => Plugin.Add(parsed.GetValue(_files)!);
}
