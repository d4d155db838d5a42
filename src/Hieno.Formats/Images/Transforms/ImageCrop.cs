namespace Hieno.Formats.Images.Transforms;

/// <summary>Parts of pictures, as torchvision takes them.</summary>
public static class ImageCrop
{
    /// <summary>A part; what lies outside the picture is black.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="left">The first column, which may lie outside.</param>
    /// <param name="top">The first row, which may lie outside.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    public static Image Apply(Image image, int left, int top, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        var part = new Image(width, height, image.Channels);
        int first = Math.Max(0, -left);
        int columns = Math.Min(width, image.Width - left) - first;
        for (int y = Math.Max(0, -top); columns > 0 && y < height && y + top < image.Height; y++)
        {
            image.Row(y + top).Slice((left + first) * image.Channels, columns * image.Channels).CopyTo(part.Row(y)[(first * image.Channels)..]);
        }

        return part;
    }

    /// <summary>The middle; where the picture is smaller, it lies in the middle of black.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    public static Image Center(Image image, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Apply(image, Before(image.Width, width), Before(image.Height, height), width, height);
    }

    // Half of what is over, to the even number where it lies between two; of what is missing, the smaller half comes first.
    private static int Before(int has, int wanted) => wanted > has ? -((wanted - has) / 2) : (int)Math.Round((has - wanted) / 2.0, MidpointRounding.ToEven);
}
