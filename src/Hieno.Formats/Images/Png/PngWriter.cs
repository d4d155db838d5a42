using System.Buffers.Binary;
using System.IO.Compression;

namespace Hieno.Formats.Images.Png;

/// <summary>Writes pictures as PNG (ISO/IEC 15948), 8 bits a sample.</summary>
public static class PngWriter
{
    /// <summary>The bytes of a file that shows a picture. The same picture gives the same bytes.</summary>
    /// <param name="image">1 to 4 channels.</param>
    public static byte[] Encode(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n']);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), image.Height);
        header[8] = 8;
        header[9] = (byte)(image.Channels switch { 1 => PngColor.Grey, 2 => PngColor.GreyAlpha, 3 => PngColor.Rgb, _ => PngColor.Rgba });
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(image));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    // Each byte as its difference from the one above (filter 2): cheap, and good where rows resemble each other.
    private static byte[] Compress(Image image)
    {
        using var compressed = new MemoryStream();
        using (var pixels = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            byte[] line = new byte[1 + (image.Width * image.Channels)];
            line[0] = 2;
            for (int y = 0; y < image.Height; y++)
            {
                var row = image.Row(y);
                for (int i = 0; i < row.Length; i++)
                {
                    line[1 + i] = (byte)(row[i] - (y == 0 ? 0 : image.Row(y - 1)[i]));
                }

                pixels.Write(line);
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] chunk = [0, 0, 0, 0, .. type, .. data, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32.Of(chunk.AsSpan(4, chunk.Length - 8)));
        file.Write(chunk);
    }
}
