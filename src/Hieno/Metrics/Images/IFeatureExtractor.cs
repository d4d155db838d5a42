using Hieno.Formats.Images;

namespace Hieno.Metrics.Images;

/// <summary>A named network that describes pictures by numbers: what distances between sets of pictures are measured with.</summary>
public interface IFeatureExtractor
{
    /// <summary>The network's name, with what tells its weights from others: two with one name give the same numbers for the same pictures.</summary>
    string Name { get; }

    /// <summary>Numbers for each picture.</summary>
    int Width { get; }

    /// <summary>Describes pictures.</summary>
    /// <param name="pictures">Any pictures, at least one.</param>
    /// <returns>[pictures, <see cref="Width"/>].</returns>
    float[] Describe(IReadOnlyList<Image> pictures);
}
