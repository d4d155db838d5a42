namespace Hieno.Formats.Images;

/// <summary>A picture in memory: 8 bits a sample, row by row from the top, the channels of a pixel side by side.</summary>
public sealed class Image
{
    /// <summary>Takes samples as they are, without a copy.</summary>
    /// <param name="width">Pixels in a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">1 (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (red, green, blue, alpha).</param>
    /// <param name="samples">[height, width, channels], 0 to 255.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1, or the channels are not 1 to 4.</exception>
    /// <exception cref="ArgumentException">The number of samples is not height · width · channels.</exception>
    public Image(int width, int height, int channels, byte[] samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(channels, 4);
        ArgumentNullException.ThrowIfNull(samples);
        if (samples.Length != (long)width * height * channels)
        {
            throw new ArgumentException($"There are {samples.Length} samples for {height} rows of {width} pixels of {channels} channels.", nameof(samples));
        }

        (Width, Height, Channels, Samples) = (width, height, channels, samples);
    }

    /// <summary>Makes a black picture (transparent, if it has an alpha channel).</summary>
    /// <param name="width">Pixels in a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">1 to 4.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1, or the channels are not 1 to 4.</exception>
    public Image(int width, int height, int channels)
        : this(width, height, channels, new byte[(long)Math.Max(width, 0) * Math.Max(height, 0) * Math.Max(channels, 0)])
    {
    }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Samples in a pixel: 1 (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (red, green, blue, alpha).</summary>
    public int Channels { get; }

    /// <summary>The samples, [height, width, channels], 0 to 255.</summary>
    public byte[] Samples { get; }

    /// <summary>Whether the last channel says how opaque a pixel is.</summary>
    public bool HasAlpha => Channels is 2 or 4;

    /// <summary>One row's samples, [width, channels].</summary>
    /// <param name="y">The row, from 0 at the top.</param>
    public Span<byte> Row(int y) => Samples.AsSpan(y * Width * Channels, Width * Channels);

    /// <summary>The same picture in red, green and blue: grey is repeated, alpha is left out without blending. Itself if it is so already.</summary>
    public Image ToRgb()
    {
        if (Channels == 3)
        {
            return this;
        }

        var rgb = new Image(Width, Height, 3);
        for (int from = 0, to = 0; from < Samples.Length; from += Channels, to += 3)
        {
            bool grey = Channels <= 2;
            rgb.Samples[to] = Samples[from];
            rgb.Samples[to + 1] = Samples[grey ? from : from + 1];
            rgb.Samples[to + 2] = Samples[grey ? from : from + 2];
        }

        return rgb;
    }

    /// <summary>The same picture in grey by the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded; alpha is left out. Itself if it is so already.</summary>
    public Image ToGrey()
    {
        if (Channels == 1)
        {
            return this;
        }

        var grey = new Image(Width, Height, 1);
        for (int from = 0, to = 0; from < Samples.Length; from += Channels, to++)
        {
            grey.Samples[to] = Channels == 2 ? Samples[from] : Luma(Samples[from], Samples[from + 1], Samples[from + 2]);
        }

        return grey;
    }

    // In 16 bits after the point: the weights add up to 65,536, so that white stays white.
    internal static byte Luma(byte red, byte green, byte blue) => (byte)(((red * 19595) + (green * 38470) + (blue * 7471) + 0x8000) >> 16);
}
