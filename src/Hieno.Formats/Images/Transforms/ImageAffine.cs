namespace Hieno.Formats.Images.Transforms;

/// <summary>Where a pixel of the result comes from: (A x + B y + C, D x + E y + F), in pixels from the upper left corner; a pixel's centre is at ½.</summary>
/// <param name="A">Columns for a column.</param>
/// <param name="B">Columns for a row.</param>
/// <param name="C">Columns at the corner.</param>
/// <param name="D">Rows for a column.</param>
/// <param name="E">Rows for a row.</param>
/// <param name="F">Rows at the corner.</param>
public readonly record struct AffineMap(double A, double B, double C, double D, double E, double F)
{
    /// <summary>The place that the map gives for a place of the result.</summary>
    /// <param name="x">From the left side.</param>
    /// <param name="y">From the upper side.</param>
    public (double X, double Y) At(double x, double y) => ((A * x) + (B * y) + C, (D * x) + (E * y) + F);
}

/// <summary>Turns, moves, stretches and shears pictures as the Python Imaging Library and torchvision do.</summary>
public static class ImageAffine
{
    /// <summary>The picture turned against the clock about its middle.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="degrees">The angle.</param>
    /// <param name="filter"><see cref="ResizeFilter.Nearest"/> (the default) or <see cref="ResizeFilter.Bilinear"/>.</param>
    /// <param name="expand">Whether the result is as large as the turned picture instead of the picture. Default false.</param>
    /// <param name="fill">What is shown where there is no picture, in every channel. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The filter is another one.</exception>
    public static Image Rotate(Image image, double degrees, ResizeFilter filter = ResizeFilter.Nearest, bool expand = false, byte fill = 0)
    {
        ArgumentNullException.ThrowIfNull(image);
        degrees = ((degrees % 360) + 360) % 360;
        if (degrees is 0 or 180 || (degrees is 90 or 270 && (expand || image.Width == image.Height)))
        {
            return ImageFlip.Turn(image, (int)degrees / 90);
        }

        double angle = -degrees * Math.PI / 180;
        (double sin, double cos) = (Math.Round(Math.Sin(angle), 15), Math.Round(Math.Cos(angle), 15));
        (int width, int height) = (image.Width, image.Height);
        var map = new AffineMap(cos, sin, 0, -sin, cos, 0);
        (double x, double y) = map.At(-width / 2.0, -height / 2.0);
        map = map with { C = x + (width / 2.0), F = y + (height / 2.0) };
        if (expand)
        {
            (double X, double Y)[] corners = [map.At(0, 0), map.At(width, 0), map.At(width, height), map.At(0, height)];
            width = (int)(Math.Ceiling(corners.Max(corner => corner.X)) - Math.Floor(corners.Min(corner => corner.X)));
            height = (int)(Math.Ceiling(corners.Max(corner => corner.Y)) - Math.Floor(corners.Min(corner => corner.Y)));
            (x, y) = map.At(-(width - image.Width) / 2.0, -(height - image.Height) / 2.0);
            map = map with { C = x, F = y };
        }

        return Apply(image, map, filter, width, height, fill);
    }

    /// <summary>The map that turns about a point, stretches, shears and then moves (torchvision's order).</summary>
    /// <param name="degrees">Turned with the clock.</param>
    /// <param name="moveX">Moved to the right, in pixels.</param>
    /// <param name="moveY">Moved down, in pixels.</param>
    /// <param name="scale">Stretched by this factor, above 0.</param>
    /// <param name="shearX">Sheared along rows, in degrees.</param>
    /// <param name="shearY">Sheared along columns, in degrees.</param>
    /// <param name="centerX">The point that stays, from the left side.</param>
    /// <param name="centerY">The point that stays, from the upper side.</param>
    public static AffineMap Map(double degrees, double moveX, double moveY, double scale, double shearX, double shearY, double centerX, double centerY)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        (double turn, double alongX, double alongY) = (degrees * Math.PI / 180, shearX * Math.PI / 180, shearY * Math.PI / 180);
        double a = Math.Cos(turn - alongY) / Math.Cos(alongY);
        double b = (-Math.Cos(turn - alongY) * Math.Tan(alongX) / Math.Cos(alongY)) - Math.Sin(turn);
        double c = Math.Sin(turn - alongY) / Math.Cos(alongY);
        double d = (-Math.Sin(turn - alongY) * Math.Tan(alongX) / Math.Cos(alongY)) + Math.Cos(turn);

        // The determinant of (a b; c d) is 1, so its inverse is (d −b; −c a).
        var map = new AffineMap(d / scale, -b / scale, 0, -c / scale, a / scale, 0);
        (double x, double y) = map.At(-centerX - moveX, -centerY - moveY);
        return map with { C = x + centerX, F = y + centerY };
    }

    /// <summary>The picture through a map.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="map">Where each pixel of the result comes from.</param>
    /// <param name="filter"><see cref="ResizeFilter.Nearest"/> (the default) or <see cref="ResizeFilter.Bilinear"/>.</param>
    /// <param name="width">Columns of the result; null for the picture's.</param>
    /// <param name="height">Rows of the result; null for the picture's.</param>
    /// <param name="fill">What is shown where there is no picture, in every channel. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The filter is another one, or a side is less than 1.</exception>
    public static Image Apply(Image image, AffineMap map, ResizeFilter filter = ResizeFilter.Nearest, int? width = null, int? height = null, byte fill = 0)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new Image(width ?? image.Width, height ?? image.Height, image.Channels);
        result.Samples.AsSpan().Fill(fill);
        switch (filter)
        {
            case ResizeFilter.Nearest when map is { B: 0, D: 0 }: Stretch(image, map, result); break;
            case ResizeFilter.Nearest: Nearest(image, map, result); break;
            case ResizeFilter.Bilinear: Bilinear(image, map, result); break;
            default: throw new ArgumentOutOfRangeException(nameof(filter), filter, "A picture is turned with nearest or bilinear pixels.");
        }

        return result;
    }

    // Without turning, places are added up in double precision; with it, in 16 bits after the point. So the reference does, and pixels near a border depend on it.
    private static void Stretch(Image image, AffineMap map, Image result)
    {
        int channels = image.Channels;
        double fromY = map.F + (map.E * 0.5);
        for (int y = 0; y < result.Height; y++, fromY += map.E)
        {
            double fromX = map.C + (map.A * 0.5);
            for (int x = 0; x < result.Width && fromY >= 0 && fromY < image.Height; x++, fromX += map.A)
            {
                if (fromX >= 0 && fromX < image.Width)
                {
                    image.Row((int)fromY).Slice((int)fromX * channels, channels).CopyTo(result.Row(y)[(x * channels)..]);
                }
            }
        }
    }

    private static void Nearest(Image image, AffineMap map, Image result)
    {
        int channels = image.Channels;
        (long a, long b, long d, long e) = (Fixed(map.A), Fixed(map.B), Fixed(map.D), Fixed(map.E));
        (long lineX, long lineY) = (Fixed(map.C + (map.A * 0.5) + (map.B * 0.5)), Fixed(map.F + (map.D * 0.5) + (map.E * 0.5)));
        for (int y = 0; y < result.Height; y++, lineX += b, lineY += e)
        {
            (long atX, long atY) = (lineX, lineY);
            var to = result.Row(y);
            for (int x = 0; x < result.Width; x++, atX += a, atY += d)
            {
                (long fromX, long fromY) = (atX >> 16, atY >> 16);
                if (fromX >= 0 && fromX < image.Width && fromY >= 0 && fromY < image.Height)
                {
                    image.Row((int)fromY).Slice((int)fromX * channels, channels).CopyTo(to[(x * channels)..]);
                }
            }
        }
    }

    private static long Fixed(double value) => (long)Math.Floor((value * 65536) + 0.5);

    private static void Bilinear(Image image, AffineMap map, Image result)
    {
        int channels = image.Channels;
        for (int y = 0, to = 0; y < result.Height; y++)
        {
            for (int x = 0; x < result.Width; x++, to += channels)
            {
                (double fromX, double fromY) = map.At(x + 0.5, y + 0.5);
                if (fromX < 0 || fromX >= image.Width || fromY < 0 || fromY >= image.Height)
                {
                    continue;
                }

                (int left, int top) = ((int)Math.Floor(fromX - 0.5), (int)Math.Floor(fromY - 0.5));
                (double alongX, double alongY) = (fromX - 0.5 - left, fromY - 0.5 - top);
                int first = Math.Max(left, 0) * channels;
                int second = Math.Min(left + 1, image.Width - 1) * channels;
                var above = image.Row(Math.Max(top, 0));
                var below = image.Row(Math.Min(top + 1, image.Height - 1));
                for (int c = 0; c < channels; c++)
                {
                    double upper = above[first + c] + ((above[second + c] - above[first + c]) * alongX);
                    double lower = below[first + c] + ((below[second + c] - below[first + c]) * alongX);
                    result.Samples[to + c] = (byte)(upper + ((lower - upper) * alongY));
                }
            }
        }
    }
}
