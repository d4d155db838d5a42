using System.Buffers.Binary;

namespace Hieno.Formats.Images.Png;

/// <summary>The samples of a PNG as they are stored, and what they mean.</summary>
internal sealed record PngSamples(PngHeader Header, ushort[] Values, byte[]? Palette, byte[]? Transparency)
{
    /// <summary>The picture at 8 bits a sample: a palette's colours, fewer bits stretched to 0 … 255, the lower half of 16 bits cut off.</summary>
    public Image ToImage(ImageBytes file) => Header.Color == PngColor.Palette ? FromPalette(file) : FromLevels();

    private Image FromLevels()
    {
        int channels = Header.Channels;
        ushort[]? clear = ClearColour();
        int all = clear is null ? channels : channels + 1;
        var image = new Image(Header.Width, Header.Height, all);
        int top = (1 << Header.BitDepth) - 1;
        for (int from = 0, to = 0; from < Values.Length; from += channels, to += all)
        {
            for (int c = 0; c < channels; c++)
            {
                int value = Values[from + c];
                image.Samples[to + c] = (byte)(Header.BitDepth == 16 ? value >> 8 : value * 255 / top);
            }

            if (clear is not null)
            {
                image.Samples[to + channels] = Values.AsSpan(from, channels).SequenceEqual(clear) ? (byte)0 : (byte)255;
            }
        }

        return image;
    }

    // In a picture without an alpha channel one colour can be declared transparent.
    private ushort[]? ClearColour() =>
        Header.Color is PngColor.Grey or PngColor.Rgb && Transparency is { } stored && stored.Length == 2 * Header.Channels
            ? [.. Enumerable.Range(0, Header.Channels).Select(c => BinaryPrimitives.ReadUInt16BigEndian(stored.AsSpan(2 * c)))]
            : null;

    private Image FromPalette(ImageBytes file)
    {
        if (Palette is null || Palette.Length == 0 || Palette.Length % 3 != 0)
        {
            throw file.Invalid(Palette is null ? "its pixels are indices, and there is no palette" : $"its palette has {Palette.Length} bytes, not three for each colour");
        }

        int channels = Transparency is null ? 3 : 4;
        var image = new Image(Header.Width, Header.Height, channels);
        for (int from = 0, to = 0; from < Values.Length; from++, to += channels)
        {
            int index = Values[from];
            if (3 * index >= Palette.Length)
            {
                throw file.Invalid($"a pixel has colour {index} of a palette of {Palette.Length / 3}");
            }

            Palette.AsSpan(3 * index, 3).CopyTo(image.Samples.AsSpan(to));
            if (Transparency is { } alpha)
            {
                image.Samples[to + 3] = index < alpha.Length ? alpha[index] : (byte)255;
            }
        }

        return image;
    }
}
