using Hieno.Formats;
using Hieno.Formats.Images;

namespace Hieno.Metrics.Images;

/// <summary>What a named network sees in many pictures: a row of numbers for each. Distances between two sets mean something only if one network made both.</summary>
public sealed class FeatureSet
{
    /// <summary>Takes features.</summary>
    /// <param name="extractor">The network's name, as every output must show it.</param>
    /// <param name="width">Numbers for each picture, at least 1.</param>
    /// <param name="features">[pictures, width].</param>
    /// <exception cref="ArgumentException">The numbers are not whole rows.</exception>
    /// <exception cref="MetricException">There are fewer than two pictures, so that they have no covariance, or a feature is not finite.</exception>
    public FeatureSet(string extractor, int width, float[] features)
    {
        ArgumentException.ThrowIfNullOrEmpty(extractor);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (features.Length % width != 0)
        {
            throw new ArgumentException($"{features.Length} numbers are not whole rows of {width}.", nameof(features));
        }

        (Extractor, Width, Features, Count) = (extractor, width, features, features.Length / width);
        if (Count < 2)
        {
            throw new MetricException(ErrorCodes.MetricEmpty, extractor, $"there are features of {Count} picture{(Count == 1 ? string.Empty : "s")}, and a covariance needs two", "Give more pictures");
        }

        int wrong = Array.FindIndex(features, feature => !float.IsFinite(feature));
        if (wrong >= 0)
        {
            throw new MetricException(ErrorCodes.MetricNotFinite, extractor, $"feature {wrong % width} of picture {wrong / width} is {features[wrong]}", "Check the network's weights and the picture");
        }
    }

    /// <summary>Describes every picture of a set.</summary>
    /// <param name="extractor">The network.</param>
    /// <param name="pictures">The set.</param>
    /// <param name="onProgress">Told how many pictures are done; null for nobody.</param>
    /// <exception cref="ImageException">A picture cannot be read.</exception>
    /// <exception cref="MetricException">There are fewer than two pictures, or a feature is not finite.</exception>
    public static FeatureSet Of(IFeatureExtractor extractor, ImageSet pictures, Action<int>? onProgress = null)
    {
        ArgumentNullException.ThrowIfNull(extractor);
        return new FeatureSet(extractor.Name, extractor.Width, Each(pictures, extractor.Describe, onProgress));
    }

    /// <summary>Numbers for every picture of a set, of some pictures at a time.</summary>
    /// <param name="pictures">The set.</param>
    /// <param name="describe">Gives the numbers of some pictures.</param>
    /// <param name="onProgress">Told how many pictures are done; null for nobody.</param>
    /// <exception cref="ImageException">A picture cannot be read.</exception>
    public static float[] Each(ImageSet pictures, Func<IReadOnlyList<Image>, float[]> describe, Action<int>? onProgress = null)
    {
        const int Together = 32;
        ArgumentNullException.ThrowIfNull(pictures);
        ArgumentNullException.ThrowIfNull(describe);
        var numbers = new List<float>();
        int done = 0;
        foreach (ImageRow[] rows in pictures.Rows.Chunk(Together))
        {
            numbers.AddRange(describe([.. rows.AsParallel().AsOrdered().Select(row => row.Read())]));
            onProgress?.Invoke(done += rows.Length);
        }

        return [.. numbers];
    }

    /// <summary>The network's name.</summary>
    public string Extractor { get; }

    /// <summary>Numbers for each picture.</summary>
    public int Width { get; }

    /// <summary>Number of pictures.</summary>
    public int Count { get; }

    /// <summary>[<see cref="Count"/>, <see cref="Width"/>].</summary>
    public float[] Features { get; }

    /// <summary>The mean of each number.</summary>
    internal double[] Mean()
    {
        double[] mean = new double[Width];
        for (int i = 0; i < Features.Length; i++)
        {
            mean[i % Width] += Features[i];
        }

        return Array.ConvertAll(mean, sum => sum / Count);
    }

    /// <summary>Rows less their mean, over the root of n − 1, [<see cref="Count"/>, <see cref="Width"/>]: the product of its transpose with it is the unbiased covariance.</summary>
    internal double[] Centred()
    {
        double[] mean = Mean();
        double scale = 1 / Math.Sqrt(Count - 1);
        double[] rows = new double[Features.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = (Features[i] - mean[i % Width]) * scale;
        }

        return rows;
    }
}
