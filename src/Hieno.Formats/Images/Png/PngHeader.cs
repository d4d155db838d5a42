namespace Hieno.Formats.Images.Png;

/// <summary>How a PNG stores a sample of a pixel (PNG specification, section 11.2.1).</summary>
internal enum PngColor
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    Rgba = 6,
}

/// <summary>The first chunk of a PNG: size and layout.</summary>
internal sealed record PngHeader(int Width, int Height, int BitDepth, PngColor Color, bool Interlaced)
{
    public int Channels => Color switch { PngColor.GreyAlpha => 2, PngColor.Rgb => 3, PngColor.Rgba => 4, _ => 1 };

    /// <summary>Bits of one pixel.</summary>
    public int PixelBits => Channels * BitDepth;

    public static PngHeader Read(ImageBytes chunk, ImageBytes file, ImageReadOptions options)
    {
        if (chunk.Length != 13)
        {
            throw file.Invalid($"its header has {chunk.Length} bytes instead of 13");
        }

        (long width, long height) = (chunk.ReadUInt32(), chunk.ReadUInt32());
        (int depth, int color, int compression, int filter, int interlace) =
            (chunk.ReadByte(), chunk.ReadByte(), chunk.ReadByte(), chunk.ReadByte(), chunk.ReadByte());
        if (width > int.MaxValue || height > int.MaxValue || compression != 0 || filter != 0 || interlace > 1 || !Exists(color, depth))
        {
            throw file.Invalid(
                $"its header says {width} × {height} pixels, colour type {color}, {depth} bits, compression {compression}, filter {filter}, interlace {interlace}, which no PNG has");
        }

        file.CheckSize(width, height, options);
        return new PngHeader((int)width, (int)height, depth, (PngColor)color, interlace == 1);
    }

    private static bool Exists(int color, int depth) => (PngColor)color switch
    {
        PngColor.Grey => depth is 1 or 2 or 4 or 8 or 16,
        PngColor.Palette => depth is 1 or 2 or 4 or 8,
        PngColor.Rgb or PngColor.GreyAlpha or PngColor.Rgba => depth is 8 or 16,
        _ => false,
    };
}
