namespace Hieno.Formats.Images.Transforms;

/// <summary>
/// Brightness, contrast, colour and sharpness by a factor: 0 gives a picture without it, 1 the picture, more than 1 more of it; as the Python
/// Imaging Library computes it. Alpha stays.
/// </summary>
public static class ImageEnhance
{
    // The kernel of the library's "smooth": the pixel counts 5, its eight neighbours 1 each.
    private const float Neighbour = 1f / 13;

    private const float Middle = 5f / 13;

    /// <summary>Between black and the picture.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="factor">At least 0.</param>
    public static Image Brightness(Image image, double factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Blend(new Image(image.Width, image.Height, image.Channels), image, factor);
    }

    /// <summary>Between the mean grey and the picture.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="factor">At least 0.</param>
    public static Image Contrast(Image image, double factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        byte[] grey = image.ToGrey().Samples;
        long sum = 0;
        foreach (byte value in grey)
        {
            sum += value;
        }

        var flat = new Image(image.Width, image.Height, image.Channels);
        flat.Samples.AsSpan().Fill((byte)(((double)sum / grey.Length) + 0.5));
        return Blend(flat, image, factor);
    }

    /// <summary>Between the picture in grey and the picture; grey pictures stay as they are.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="factor">At least 0.</param>
    public static Image Saturation(Image image, double factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Channels <= 2)
        {
            return image;
        }

        byte[] grey = image.ToGrey().Samples;
        var colourless = new Image(image.Width, image.Height, image.Channels);
        for (int i = 0; i < colourless.Samples.Length; i++)
        {
            colourless.Samples[i] = grey[i / image.Channels];
        }

        return Blend(colourless, image, factor);
    }

    /// <summary>Between the picture smoothed over 3 × 3 pixels and the picture.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="factor">At least 0.</param>
    public static Image Sharpness(Image image, double factor) => Blend(Smooth(image), image, factor);

    private static Image Smooth(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var smooth = new Image(image.Width, image.Height, image.Channels, [.. image.Samples]); // the border stays
        int channels = image.Channels;
        for (int y = 1; y < image.Height - 1; y++)
        {
            var above = image.Row(y - 1);
            var row = image.Row(y);
            var below = image.Row(y + 1);
            var to = smooth.Row(y);
            for (int i = channels; i < to.Length - channels; i++)
            {
                float sum = 0.5f; // for rounding
                sum += (below[i - channels] * Neighbour) + (below[i] * Neighbour) + (below[i + channels] * Neighbour);
                sum += (row[i - channels] * Neighbour) + (row[i] * Middle) + (row[i + channels] * Neighbour);
                sum += (above[i - channels] * Neighbour) + (above[i] * Neighbour) + (above[i + channels] * Neighbour);
                to[i] = (byte)sum;
            }
        }

        return smooth;
    }

    // Cut off, not rounded, in single precision: so the reference does.
    private static Image Blend(Image none, Image image, double factor)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(factor);
        float share = (float)factor;
        int channels = image.Channels;
        int colors = ImageTones.ColorsOf(image);
        var blended = new Image(image.Width, image.Height, channels, [.. image.Samples]);
        for (int i = 0; i < blended.Samples.Length && share != 1; i++)
        {
            if (i % channels < colors)
            {
                int from = none.Samples[i];
                blended.Samples[i] = (byte)Math.Clamp(from + (share * (image.Samples[i] - from)), 0, 255);
            }
        }

        return blended;
    }
}
