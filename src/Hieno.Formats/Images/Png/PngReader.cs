using System.Buffers.Binary;
using System.IO.Compression;

namespace Hieno.Formats.Images.Png;

/// <summary>Reads PNG (ISO/IEC 15948): every colour type and bit depth, palettes, transparent colours, interlacing.</summary>
internal static class PngReader
{
    // Deflate makes at most 258 bytes of two bits (RFC 1951, section 3.2.5).
    private const long MostUnpacked = 1032;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    public static bool Recognises(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Signature);

    /// <summary>The picture at 8 bits a sample, and its orientation.</summary>
    public static (Image Image, int Orientation) Read(ImageBytes file, ImageReadOptions options)
    {
        (PngSamples samples, int orientation) = ReadSamples(file, options);
        return (samples.ToImage(file), orientation);
    }

    /// <summary>The samples as they are stored: indices of a palette, up to 16 bits.</summary>
    public static (PngSamples Samples, int Orientation) ReadSamples(ImageBytes file, ImageReadOptions options)
    {
        file.Position = Signature.Length;
        PngHeader? header = null;
        byte[]? palette = null;
        byte[]? transparency = null;
        int orientation = Orientation.Upright;
        using var compressed = new MemoryStream();
        for (bool ended = false; !ended;)
        {
            (string type, byte[] data) = NextChunk(file);
            if ((header is null) != (type == "IHDR"))
            {
                throw file.Invalid(header is null ? $"its first chunk is '{type}' instead of IHDR" : "it has two headers");
            }

            switch (type)
            {
                case "IHDR": header = PngHeader.Read(new ImageBytes(file.File, data), file, options); break;
                case "PLTE": palette = data; break;
                case "tRNS": transparency = data; break;
                case "eXIf": orientation = Orientation.Read(data); break;
                case "IDAT": compressed.Write(data); break;
                case "IEND": ended = true; break;
                case var _ when char.IsAsciiLetterUpper(type[0]): throw file.Unsupported($"it has a chunk '{type}' that is needed to show it", "Save it as a plain PNG");
                default: break; // text, time, colour profiles: a network sees the stored numbers
            }
        }

        compressed.Position = 0;
        return (new PngSamples(header!, Inflate(compressed, header!, file), palette, transparency), orientation);
    }

    private static (string Type, byte[] Data) NextChunk(ImageBytes file)
    {
        if (file.Left == 0)
        {
            throw file.Truncated("its end marker is still to come");
        }

        long length = file.ReadUInt32();
        int start = file.Position;
        if (length > file.Left - 8L)
        {
            throw file.Truncated($"a chunk of {length} bytes begins at byte {start - 4}");
        }

        var typed = file.Take(4 + (int)length, "a chunk");
        uint checksum = file.ReadUInt32();
        return Crc32.Of(typed) == checksum
            ? (System.Text.Encoding.Latin1.GetString(typed[..4]), typed[4..].ToArray())
            : throw file.Invalid($"the chunk at byte {start - 4} does not have the checksum that is written after it");
    }

    // Reads exactly as many bytes as the header calls for, so that a small file cannot unpack into all memory.
    private static ushort[] Inflate(Stream compressed, PngHeader header, ImageBytes file)
    {
        if ((long)header.Width * header.Height * header.PixelBits / 8 > (compressed.Length + 1) * MostUnpacked)
        {
            throw file.Invalid($"its {compressed.Length} bytes of pixels cannot hold the {header.Width} × {header.Height} of its header");
        }

        var samples = new ushort[(long)header.Width * header.Height * header.Channels];
        try
        {
            using var pixels = new ZLibStream(compressed, CompressionMode.Decompress);
            foreach (Pass pass in header.Interlaced ? Pass.Adam7 : Pass.Whole)
            {
                ReadPass(pixels, header, pass, samples, file);
            }
        }
        catch (InvalidDataException error)
        {
            throw file.Invalid("its compressed pixels are damaged", error);
        }
        catch (EndOfStreamException)
        {
            throw file.Invalid($"it holds fewer pixels than the {header.Width} × {header.Height} of its header");
        }

        return samples;
    }

    private static void ReadPass(Stream pixels, PngHeader header, Pass pass, ushort[] samples, ImageBytes file)
    {
        int columns = pass.Columns(header.Width);
        int rows = pass.Rows(header.Height);
        if (columns == 0)
        {
            return;
        }

        int rowBytes = (int)((((long)columns * header.PixelBits) + 7) / 8);
        int pixelBytes = Math.Max(1, header.PixelBits / 8);
        byte[] above = new byte[rowBytes];
        byte[] row = new byte[rowBytes];
        for (int y = 0; y < rows; y++)
        {
            int filter = pixels.ReadByte();
            pixels.ReadExactly(row);
            if (!PngFilter.Undo(filter, row, above, pixelBytes))
            {
                throw filter < 0 ? new EndOfStreamException() : file.Invalid($"row {y} has filter {filter}, and there are 0 to 4");
            }

            Spread(row, header, samples.AsSpan(pass.Row(y) * header.Width * header.Channels), pass, columns);
            (row, above) = (above, row);
        }
    }

    // From packed bits to one number a sample, at the places that belong to the pass.
    private static void Spread(byte[] row, PngHeader header, Span<ushort> line, Pass pass, int columns)
    {
        int channels = header.Channels;
        for (int x = 0, from = 0; x < columns; x++)
        {
            int to = pass.Column(x) * channels;
            for (int c = 0; c < channels; c++, from++)
            {
                line[to + c] = header.BitDepth switch
                {
                    16 => BinaryPrimitives.ReadUInt16BigEndian(row.AsSpan(2 * from)),
                    8 => row[from],
                    var bits => (ushort)((row[from * bits / 8] >> (8 - bits - (from * bits % 8))) & ((1 << bits) - 1)),
                };
            }
        }
    }

    /// <summary>The pixels of one pass: every StepX-th from StartX on, likewise down (PNG specification, section 8.2).</summary>
    private readonly record struct Pass(int StartX, int StartY, int StepX, int StepY)
    {
        public static Pass[] Whole { get; } = [new(0, 0, 1, 1)];

        public static Pass[] Adam7 { get; } =
            [new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2)];

        public int Columns(int width) => (width - StartX + StepX - 1) / StepX;

        public int Rows(int height) => (height - StartY + StepY - 1) / StepY;

        public int Column(int x) => StartX + (x * StepX);

        public int Row(int y) => StartY + (y * StepY);
    }
}
