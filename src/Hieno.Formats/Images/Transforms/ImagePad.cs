namespace Hieno.Formats.Images.Transforms;

/// <summary>What stands around a picture that was given a margin.</summary>
public enum PadMode
{
    /// <summary>Black (and transparent, with alpha).</summary>
    Zero,

    /// <summary>The outermost pixel, repeated.</summary>
    Edge,

    /// <summary>The picture mirrored at its outermost pixel, which is not repeated.</summary>
    Reflect,

    /// <summary>The picture mirrored at its border, so that the outermost pixel is repeated once.</summary>
    Symmetric,
}

/// <summary>Gives pictures a margin.</summary>
public static class ImagePad
{
    /// <summary>The picture with a margin.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="left">Columns before it, at least 0.</param>
    /// <param name="top">Rows above it, at least 0.</param>
    /// <param name="right">Columns after it, at least 0.</param>
    /// <param name="bottom">Rows below it, at least 0.</param>
    /// <param name="mode">What the margin shows. Default <see cref="PadMode.Zero"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A margin is negative.</exception>
    public static Image Apply(Image image, int left, int top, int right, int bottom, PadMode mode = PadMode.Zero)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(left);
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        ArgumentOutOfRangeException.ThrowIfNegative(right);
        ArgumentOutOfRangeException.ThrowIfNegative(bottom);
        if (mode == PadMode.Zero)
        {
            return ImageCrop.Apply(image, -left, -top, left + image.Width + right, top + image.Height + bottom);
        }

        var padded = new Image(left + image.Width + right, top + image.Height + bottom, image.Channels);
        for (int y = 0; y < padded.Height; y++)
        {
            var from = image.Row(Inside(y - top, image.Height, mode));
            var to = padded.Row(y);
            for (int x = 0; x < padded.Width; x++)
            {
                from.Slice(Inside(x - left, image.Width, mode) * image.Channels, image.Channels).CopyTo(to[(x * image.Channels)..]);
            }
        }

        return padded;
    }

    // Which of n pixels stands at a place that may lie outside: mirrored as often as it takes.
    private static int Inside(int at, int n, PadMode mode)
    {
        if (mode == PadMode.Edge || n == 1)
        {
            return Math.Clamp(at, 0, n - 1);
        }

        int period = mode == PadMode.Reflect ? 2 * (n - 1) : 2 * n;
        int place = ((at % period) + period) % period;
        return place < n ? place : mode == PadMode.Reflect ? period - place : period - 1 - place;
    }
}
