namespace Hieno.Formats.Images.Transforms;

/// <summary>Turns the colours of a picture around the circle of hues (red, yellow, green, cyan, blue, magenta), as torchvision does through 8 bits of hue.</summary>
public static class ImageHue
{
    /// <summary>The picture with other hues; grey pictures stay as they are.</summary>
    /// <param name="image">Any picture.</param>
    /// <param name="shift">Part of the circle, −0.5 to 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The shift is more than half the circle.</exception>
    public static Image Shift(Image image, double shift)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(shift, -0.5);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shift, 0.5);
        if (image.Channels <= 2)
        {
            return image;
        }

        byte steps = unchecked((byte)(int)(shift * 255));
        var turned = new Image(image.Width, image.Height, image.Channels, [.. image.Samples]);
        for (int i = 0; i < turned.Samples.Length; i += turned.Channels)
        {
            var pixel = turned.Samples.AsSpan(i, 3);
            (byte hue, byte saturation, byte value) = ToHsv(pixel[0], pixel[1], pixel[2]);
            (pixel[0], pixel[1], pixel[2]) = ToRgb(unchecked((byte)(hue + steps)), saturation, value);
        }

        return turned;
    }

    private static (byte Hue, byte Saturation, byte Value) ToHsv(byte red, byte green, byte blue)
    {
        byte high = Math.Max(red, Math.Max(green, blue));
        byte low = Math.Min(red, Math.Min(green, blue));
        if (high == low)
        {
            return (0, 0, high);
        }

        float range = high - low;
        (float toRed, float toGreen, float toBlue) = ((high - red) / range, (high - green) / range, (high - blue) / range);
        float sixths = red == high ? toBlue - toGreen
            : green == high ? (float)(2.0 + toRed - toBlue)
            : (float)(4.0 + toGreen - toRed);
        float hue = (float)(((sixths / 6.0) + 1.0) % 1.0);
        return ((byte)(hue * 255.0), (byte)(range / high * 255.0), high);
    }

    private static (byte Red, byte Green, byte Blue) ToRgb(byte hue, byte saturation, byte value)
    {
        if (saturation == 0)
        {
            return (value, value, value);
        }

        double sixths = hue * 6.0 / 255.0;
        int sector = (int)sixths;
        float along = (float)(sixths - sector);
        float share = (float)(saturation / 255.0);
        byte lowest = Rounded(value * (1.0 - share));
        byte falling = Rounded(value * (1.0 - (share * along)));
        byte rising = Rounded(value * (1.0 - (share * (1.0 - along))));
        return (sector % 6) switch
        {
            0 => (value, rising, lowest),
            1 => (falling, value, lowest),
            2 => (lowest, value, rising),
            3 => (lowest, falling, value),
            4 => (rising, lowest, value),
            _ => (value, lowest, falling),
        };
    }

    private static byte Rounded(double value) => (byte)Math.Round(value, MidpointRounding.AwayFromZero);
}
