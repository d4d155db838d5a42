using Hieno.Formats;

namespace Hieno.Models.Vision;

/// <summary>The vision families that can be read, by the name in <c>config.json</c>.</summary>
public sealed class VisionCatalog
{
    private readonly Dictionary<string, VisionFamily> _families = new(StringComparer.Ordinal);

    /// <summary>All names, sorted.</summary>
    public IEnumerable<string> Names => _families.Keys.Order(StringComparer.Ordinal);

    /// <summary>Adds a family.</summary>
    /// <returns>This catalog.</returns>
    public VisionCatalog Add(VisionFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        _families.Add(family.ModelType, family);
        return this;
    }

    /// <summary>The family that <paramref name="config"/> names, or null where it is unknown.</summary>
    public VisionFamily? Find(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return _families.GetValueOrDefault(config.ModelType);
    }
}
