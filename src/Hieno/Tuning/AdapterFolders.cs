using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Recipes;

namespace Hieno.Tuning;

/// <summary>
/// What a method leaves beside its base: one adapter in a folder as PEFT has it; of several methods each in a folder of its own, as PEFT saves
/// adapters with names, and a list of them in the order in which they act.
/// </summary>
public static class AdapterFolders
{
    /// <summary>The list's file: <c>{ "adapters": ["lora", "ia3"] }</c>, each a folder beside it.</summary>
    public const string FileName = "adapters.json";

    private const string Key = "adapters";

    /// <summary>True when the folder holds one adapter or several.</summary>
    public static bool Exists(string folder) => PeftFolder.Exists(folder) || HoldsSeveral(folder);

    /// <summary>True when the folder holds the adapters of several methods.</summary>
    public static bool HoldsSeveral(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>The folders of the adapters, in the order in which they act.</summary>
    /// <exception cref="CheckpointException">The list is not one of folder names.</exception>
    public static IReadOnlyList<string> Of(string folder)
    {
        if (!HoldsSeveral(folder))
        {
            return [folder];
        }

        var list = ModelConfig.Read(Path.Combine(folder, FileName));
        string[] names = [.. list.GetStrings(Key) ?? []];
        return names.Length > 0 && Array.TrueForAll(names, name => name == Path.GetFileName(name) && name.Length > 0) && names.Distinct(StringComparer.Ordinal).Count() == names.Length
            ? Array.ConvertAll(names, name => Path.Combine(folder, name))
            : throw list.Error(Key, "is not a list of different folder names", "Name each adapter's folder once");
    }

    /// <summary>Writes adapters.</summary>
    /// <param name="adapters">At least one.</param>
    /// <param name="folder">An existing folder.</param>
    /// <param name="baseModel">The base model's folder or name, for readers to find it.</param>
    public static void Save(IReadOnlyList<Adapter> adapters, string folder, string baseModel)
    {
        ArgumentNullException.ThrowIfNull(adapters);
        if (adapters.Count == 1)
        {
            PeftFolder.Save(adapters[0], folder, baseModel);
            return;
        }

        foreach (Adapter adapter in adapters)
        {
            PeftFolder.Save(adapter, Directory.CreateDirectory(Path.Combine(folder, adapter.Name)).FullName, baseModel);
        }

        var list = new JsonObject { [Key] = new JsonArray([.. adapters.Select(adapter => JsonValue.Create(adapter.Name))]) };
        IndentedJson.Write(Path.Combine(folder, FileName), list);
    }

    /// <summary>Attaches what a folder holds to <paramref name="model"/>, frozen; several adapters are named after their folders. On an error the model is left as it was.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="folder">A folder of one adapter or of several.</param>
    /// <param name="kinds">The methods that are known; the built-in ones when null.</param>
    /// <exception cref="CheckpointException">A file is malformed, an adapter is of an unknown kind, or it does not fit the model.</exception>
    public static IReadOnlyList<Adapter> Load(PretrainedModel model, string folder, KindCatalog? kinds = null)
    {
        if (!HoldsSeveral(folder))
        {
            return [PeftFolder.Load(model, folder, kinds: kinds)];
        }

        var adapters = new List<Adapter>();
        try
        {
            foreach (string part in Of(folder))
            {
                adapters.Add(PeftFolder.Load(model, part, Path.GetFileName(part), kinds: kinds));
            }
        }
        catch
        {
            adapters.ForEach(adapter => adapter.Detach());
            throw;
        }

        return adapters;
    }

    /// <summary>Tokens that a model must know for the adapters in a folder; null where they add none.</summary>
    /// <exception cref="CheckpointException">A configuration is absent or malformed.</exception>
    internal static int? TokensOf(string folder) => Of(folder).Max(PeftFolder.TokensOf);

    /// <summary>The configuration of the adapter in a folder, of the first where there are several.</summary>
    /// <exception cref="CheckpointException">It is absent or malformed.</exception>
    internal static PeftAdapterConfig ConfigOf(string folder) => PeftAdapterConfig.Read(Path.Combine(Of(folder)[0], PeftAdapterConfig.FileName));
}
