using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Hieno.Formats;
using Hieno.Recipes;

namespace Hieno.Plugins;

/// <summary>
/// An assembly with kinds of your own: methods, tasks, optimizers, schedules. It is loaded only where it is named, by its file, in a recipe or on
/// the command line; no folder is searched. Its code then runs in this process with all that this process may do.
/// </summary>
public sealed class Plugin
{
    private static readonly Lock s_loading = new();
    private static readonly Dictionary<string, Plugin> s_loaded = new(StringComparer.Ordinal);

    private readonly KindAttribute[] _kinds;

    private Plugin(string file, Assembly assembly, KindAttribute[] kinds)
    {
        (File, _kinds) = (file, kinds);
        Name = assembly.GetName().Name!;
        Version = assembly.GetName().Version?.ToString() ?? string.Empty;
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(System.IO.File.ReadAllBytes(file)));
    }

    /// <summary>The file, as it was named first.</summary>
    public string File { get; }

    /// <summary>The assembly's name.</summary>
    public string Name { get; }

    /// <summary>The assembly's version.</summary>
    public string Version { get; }

    /// <summary>SHA-256 of the file: another build is another method.</summary>
    public string Sha256 { get; }

    /// <summary>The names of the kinds it brings.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Kinds => [.. _kinds.Select(kind => kind.Kind)];

    /// <summary>Loads an assembly; one that is loaded already is taken as it is.</summary>
    /// <param name="file">The file, a .dll, as seen from the working folder.</param>
    /// <exception cref="RecipeException">The file is not there, is no assembly for this version of Hieno, or brings no kind.</exception>
    public static Plugin Load(string file) => Load(file, RecipePosition.WholeFile(file));

    /// <summary>Adds what assemblies bring to a catalog.</summary>
    /// <param name="files">The assemblies' files.</param>
    /// <param name="kinds">The catalog to add to; the built-in kinds when null.</param>
    /// <returns>The catalog.</returns>
    /// <exception cref="RecipeException">A file cannot be loaded, or a kind's name is taken.</exception>
    public static KindCatalog Add(IEnumerable<string> files, KindCatalog? kinds = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        return Add(files.Select(file => (file, RecipePosition.WholeFile(file))), kinds);
    }

    /// <summary>The built-in kinds, and those of the plugins that a recipe names.</summary>
    internal static KindCatalog KindsFor(MapNode recipe)
    {
        // Whatever is not a name here is a fault that the binder finds.
        IEnumerable<ScalarNode> names = recipe.Find(Recipe.PluginsKey)?.Value switch
        {
            ListNode list => list.Items.OfType<ScalarNode>(),
            ScalarNode { Form: ScalarForm.Plain or ScalarForm.Quoted } one => [one],
            _ => [],
        };
        return Add(names.Select(name => (name.Text, name.Position)), null);
    }

    private static KindCatalog Add(IEnumerable<(string File, RecipePosition Position)> files, KindCatalog? kinds)
    {
        kinds ??= BuiltIns.Kinds();
        var faults = new List<RecipeFault>();
        foreach ((string file, RecipePosition position) in files)
        {
            try
            {
                Array.ForEach(Load(file, position)._kinds, kind => kind.AddTo(kinds));
            }
            catch (RecipeException e)
            {
                faults.AddRange(e.Faults);
            }
            catch (ArgumentException e)
            {
                faults.Add(Fault(position, file, $"its kind cannot be added: {e.Message.TrimEnd('.')}. Name the plugin once, or give its kind another name.").Faults[0]);
            }
        }

        return faults.Count == 0 ? kinds : throw new RecipeException(faults);
    }

    private static Plugin Load(string file, RecipePosition position)
    {
        string path = Path.GetFullPath(file);
        lock (s_loading)
        {
            if (!s_loaded.TryGetValue(path, out Plugin? plugin))
            {
                s_loaded.Add(path, plugin = Read(file, path, position));
            }

            return plugin;
        }
    }

    private static Plugin Read(string file, string path, RecipePosition position)
    {
        if (!System.IO.File.Exists(path))
        {
            throw Fault(position, file, "there is no such file. Build it, or correct the path; it is seen from the working folder.");
        }

        string advice = $"Build it as a class library against Hieno {typeof(Plugin).Assembly.GetName().Version}.";
        try
        {
            Assembly assembly = new PluginContext(path).LoadFromAssemblyPath(path);
            KindAttribute[] kinds = [.. assembly.GetCustomAttributes<KindAttribute>()];
            return kinds.Length > 0
                ? new Plugin(file, assembly, kinds)
                : throw Fault(position, file, "it brings no kind. Add a line such as [assembly: Kind<TuningOptions, MyOptions>(\"my-method\")].");
        }
        catch (BadImageFormatException e)
        {
            throw Fault(position, file, $"it is not a .NET assembly. {advice}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TypeLoadException or MissingMemberException or CustomAttributeFormatException)
        {
            throw Fault(position, file, $"it cannot be loaded: {e.Message.TrimEnd('.')}. {advice}", e);
        }
    }

    private static RecipeException Fault(RecipePosition position, string file, string message, Exception? inner = null)
    {
        string who = position.File == file ? string.Empty : $"the plugin '{file}': ";
        return new([new RecipeFault(ErrorCodes.RecipePluginUnusable, position, Recipe.PluginsKey, who + message)], inner);
    }
}
