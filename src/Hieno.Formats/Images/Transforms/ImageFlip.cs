namespace Hieno.Formats.Images.Transforms;

/// <summary>Mirrors pictures and turns them by right angles: pixels change their place, not their value.</summary>
public static class ImageFlip
{
    /// <summary>Left and right change places.</summary>
    /// <param name="image">Any picture.</param>
    public static Image Horizontal(Image image) => Move(image, false, (x, y) => (image.Width - 1 - x, y));

    /// <summary>Top and bottom change places.</summary>
    /// <param name="image">Any picture.</param>
    public static Image Vertical(Image image) => Move(image, false, (x, y) => (x, image.Height - 1 - y));

    /// <summary>Turned against the clock by quarters of a circle.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="quarters">How many; negative ones turn with the clock.</param>
    public static Image Turn(Image image, int quarters) => (((quarters % 4) + 4) % 4) switch
    {
        1 => Move(image, true, (x, y) => (image.Width - 1 - y, x)),
        2 => Move(image, false, (x, y) => (image.Width - 1 - x, image.Height - 1 - y)),
        3 => Move(image, true, (x, y) => (y, image.Height - 1 - x)),
        _ => image,
    };

    private static Image Move(Image image, bool swapped, Func<int, int, (int X, int Y)> from)
    {
        ArgumentNullException.ThrowIfNull(image);
        var moved = new Image(swapped ? image.Height : image.Width, swapped ? image.Width : image.Height, image.Channels);
        int channels = image.Channels;
        for (int y = 0, to = 0; y < moved.Height; y++)
        {
            for (int x = 0; x < moved.Width; x++, to += channels)
            {
                (int fromX, int fromY) = from(x, y);
                image.Samples.AsSpan(((fromY * image.Width) + fromX) * channels, channels).CopyTo(moved.Samples.AsSpan(to));
            }
        }

        return moved;
    }
}
