namespace Hieno.Formats.Images.Transforms;

/// <summary>Changes that give each value of a channel another one, as the Python Imaging Library makes them. Alpha stays.</summary>
public static class ImageTones
{
    /// <summary>Light becomes dark and dark becomes light: 255 − v.</summary>
    /// <param name="image">Any picture.</param>
    public static Image Invert(Image image) => Apply(image, value => 255 - value);

    /// <summary>Only the highest bits of each value are kept.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="bits">How many, 0 to 8.</param>
    public static Image Posterize(Image image, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        return Apply(image, value => value & ~((1 << (8 - bits)) - 1));
    }

    /// <summary>Values from a threshold on are inverted.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="threshold">The lowest that is, 0 to 256; above 255 nothing changes.</param>
    public static Image Solarize(Image image, double threshold) => Apply(image, value => value < threshold ? value : 255 - value);

    /// <summary>v becomes 255 (v / 255)^γ, as torchvision rounds it: ⌊255.999 (v / 255)^γ⌋.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="gamma">The exponent, at least 0; below 1 shadows become lighter.</param>
    public static Image Gamma(Image image, double gamma)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(gamma);
        return Apply(image, value => (int)(255.999 * Math.Pow(value / 255.0, gamma)));
    }

    /// <summary>Each channel is stretched so that its darkest value becomes 0 and its lightest 255.</summary>
    /// <param name="image">Any picture.</param>
    public static Image Autocontrast(Image image) => ByHistogram(image, counts =>
    {
        int low = Array.FindIndex(counts, count => count > 0);
        int high = Array.FindLastIndex(counts, count => count > 0);
        double scale = 255.0 / (high - low);
        return high <= low ? null : value => (int)((value * scale) + (-low * scale));
    });

    /// <summary>Each channel's values are spread so that every range of values has about as many pixels.</summary>
    /// <param name="image">Any picture.</param>
    public static Image Equalize(Image image) => ByHistogram(image, counts =>
    {
        int last = Array.FindLastIndex(counts, count => count > 0);
        int step = (counts.Sum() - counts[last]) / 255;
        if (step == 0)
        {
            return null;
        }

        int[] below = new int[256]; // pixels that are darker, and half a step
        below[0] = step / 2;
        for (int value = 1; value < 256; value++)
        {
            below[value] = below[value - 1] + counts[value - 1];
        }

        return value => below[value] / step;
    });

    private static Image Apply(Image image, Func<int, int> change)
    {
        ArgumentNullException.ThrowIfNull(image);
        var changed = new Image(image.Width, image.Height, image.Channels, [.. image.Samples]);
        for (int channel = 0; channel < ColorsOf(image); channel++)
        {
            Apply(changed, channel, change);
        }

        return changed;
    }

    // Each channel by its own histogram; null leaves the channel as it is.
    private static Image ByHistogram(Image image, Func<int[], Func<int, int>?> change)
    {
        ArgumentNullException.ThrowIfNull(image);
        var changed = new Image(image.Width, image.Height, image.Channels, [.. image.Samples]);
        for (int channel = 0; channel < ColorsOf(image); channel++)
        {
            int[] counts = new int[256];
            for (int i = channel; i < image.Samples.Length; i += image.Channels)
            {
                counts[image.Samples[i]]++;
            }

            if (change(counts) is { } found)
            {
                Apply(changed, channel, found);
            }
        }

        return changed;
    }

    private static void Apply(Image image, int channel, Func<int, int> change)
    {
        byte[] table = [.. Enumerable.Range(0, 256).Select(value => (byte)Math.Clamp(change(value), 0, 255))];
        for (int i = channel; i < image.Samples.Length; i += image.Channels)
        {
            image.Samples[i] = table[image.Samples[i]];
        }
    }

    internal static int ColorsOf(Image image) => image.HasAlpha ? image.Channels - 1 : image.Channels;
}
