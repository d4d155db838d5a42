using System.CommandLine;
using Hieno.Recipes;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Cli.Generation;

/// <summary>The options that hold several adapters beside one base, and give each prompt its own.</summary>
internal sealed class AdapterFlags
{
    private const string None = "base";

    private readonly Option<string[]> _adapters;
    private readonly Option<string[]> _use;

    public AdapterFlags(Verb verb)
    {
        _adapters = verb.With(new Option<string[]>("--adapter")
        {
            Description = "An adapter or run to hold beside MODEL, under a name for --use; may be repeated.", HelpName = "NAME=DIR", DefaultValueFactory = _ => [],
        });
        _use = verb.With(new Option<string[]>("--use")
        {
            Description = $"The adapter of each prompt, in their order, or one for all prompts; '{None}' is none. All prompts are continued side by side.", HelpName = "NAME", DefaultValueFactory = _ => [],
        });
    }

    /// <summary>Loads the adapters, switched off; null where none is asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="loaded">Their base.</param>
    /// <param name="kinds">The methods whose adapters are known.</param>
    /// <exception cref="UsageException">A name is malformed or given twice, or the model is not a whole one.</exception>
    public AdapterSet? Load(ParseResult parsed, LoadedModel loaded, KindCatalog kinds)
    {
        string[] given = parsed.GetValue(_adapters)!;
        if (given.Length == 0)
        {
            return null;
        }

        if (loaded.Adapters.Count > 0)
        {
            throw new UsageException($"--adapter: {loaded.Folder} is an adapter itself. Give the base model as MODEL, and this one by --adapter too.");
        }

        var adapters = new AdapterSet(loaded.Model);
        foreach (string item in given)
        {
            if (item.Split('=', 2) is not [{ Length: > 0 } name, { Length: > 0 } folder] || name == None || adapters.Names.Contains(name))
            {
                throw new UsageException($"--adapter: '{item}' is not NAME=DIR with a name of its own ('{None}' means no adapter).");
            }

            string final = Path.Combine(folder, RunFolder.FinalName);
            adapters.Load(Directory.Exists(final) ? final : folder, name, kinds);
        }

        return adapters;
    }

    /// <summary>The adapter of each prompt, or null for the base model.</summary>
    /// <exception cref="UsageException">There are more or fewer names than prompts, or one is unknown.</exception>
    public string?[] NamesFor(ParseResult parsed, AdapterSet? adapters, int prompts)
    {
        string[] names = parsed.GetValue(_use)!;
        if (names.Length != prompts && names.Length != 1 && (names.Length > 0 || adapters is not null))
        {
            throw new UsageException($"--use: {names.Length} names for {prompts} prompts. Give one for each prompt, or one for all; '{None}' is none.");
        }

        string known = string.Join(", ", [.. adapters?.Names.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>(), None]);
        return Array.Find(names, name => name != None && adapters?.Names.Contains(name) != true) is { } unknown
            ? throw new UsageException($"--use: there is no adapter '{unknown}'. There are {known}.")
            : [.. Enumerable.Range(0, prompts).Select(i => names.Length == 0 ? None : names[names.Length == 1 ? 0 : i]).Select(name => name == None ? null : name)];
    }
}
