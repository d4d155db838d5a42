using System.Reflection;
using System.Runtime.Loader;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Plugins;

/// <summary>Loads a plugin and what lies beside it. Hieno's own assemblies are those of this program, so that both mean the same types.</summary>
internal sealed class PluginContext(string path) : AssemblyLoadContext(Path.GetFileNameWithoutExtension(path))
{
    private static readonly Assembly[] s_shared = [typeof(Plugin).Assembly, typeof(TextModel).Assembly, typeof(HienoException).Assembly, typeof(Tensor).Assembly];

    private readonly AssemblyDependencyResolver _resolver = new(path);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName) =>
        Array.Find(s_shared, shared => shared.GetName().Name == assemblyName.Name)
        ?? (_resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null); // null: the framework's
}
