using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>
/// Weights of linear layers are stored in fewer bits than in their file, and stay frozen. The head, tables, norms and offsets are left as they are.
/// </summary>
/// <param name="StoredAs">The type, <see cref="DType.NF4"/>.</param>
/// <param name="Keep">Endings of the names of layers that are left as they are as well.</param>
public sealed record WeightQuantization(DType StoredAs, IReadOnlyList<string> Keep)
{
    /// <summary>True unless <see cref="Keep"/> names the layer at <paramref name="path"/>: equal, or ending in a name after a full stop.</summary>
    public bool AppliesTo(string path) => !Keep.Any(name => IsNamed(path, name));

    /// <summary>The names in <see cref="Keep"/> that fit none of <paramref name="paths"/>.</summary>
    public IEnumerable<string> UnknownIn(IReadOnlyCollection<string> paths) => Keep.Where(name => !paths.Any(path => IsNamed(path, name)));

    private static bool IsNamed(string path, string name) => path == name || path.EndsWith("." + name, StringComparison.Ordinal);
}
