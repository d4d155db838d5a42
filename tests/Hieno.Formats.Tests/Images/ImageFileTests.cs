using System.Buffers.Binary;
using System.IO.Compression;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;

namespace Hieno.Formats.Tests.Images;

public sealed class ImageFileTests
{
    // 8 × 8 grey pixels, all 128: one quantisation table of ones, Huffman codes of one bit for "nothing", baseline.
    private static readonly byte[] s_greyJpeg =
    [
        0xFF, 0xD8,
        0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64),
        0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0,
        0xFF, 0xC4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 63, 0,
        0x3F,
        0xFF, 0xD9,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_is_written_as_png_is_read_again(int channels)
    {
        Image image = Noise(13, 7, channels);
        Image read = ImageFile.Decode(PngWriter.Encode(image), "noise.png");
        Assert.Equal((13, 7, channels), (read.Width, read.Height, read.Channels));
        Assert.Equal(image.Samples, read.Samples);
        Assert.Equal(PngWriter.Encode(image), PngWriter.Encode(image));
    }

    [Fact]
    public void The_smallest_jpeg_is_grey()
    {
        Image image = ImageFile.Decode(s_greyJpeg, "grey.jpg");
        Assert.Equal((8, 8, 1), (image.Width, image.Height, image.Channels));
        Assert.All(image.Samples, sample => Assert.Equal(128, sample));
        Assert.Equal(3, image.ToRgb().Channels);
    }

    [Fact]
    public void A_picture_that_is_absent_or_of_another_kind_is_refused()
    {
        Refused(ErrorCodes.ImageFileUnreadable, "cannot be opened", () => ImageFile.Read("absent.png"));
        Refused(ErrorCodes.ImageFileUnreadable, "the file is empty", () => ImageFile.Decode([], "empty.png"));
        Refused(ErrorCodes.ImageFileUnreadable, "47494638, which is neither PNG nor JPEG", () => ImageFile.Decode([.. "GIF89a"u8], "a.gif"));
    }

    [Fact]
    public void Every_truncation_of_a_picture_is_refused()
    {
        byte[][] files = [PngWriter.Encode(Noise(9, 5, 3)), s_greyJpeg];
        foreach (byte[] file in files)
        {
            int complete = file == files[1] ? file.Length - 2 : file.Length; // a baseline JPEG lacks nothing without its end marker
            for (int length = 1; length < complete; length++)
            {
                Assert.Throws<ImageException>(() => ImageFile.Decode(file[..length], "cut"));
            }
        }
    }

    [Fact]
    public void A_damaged_picture_gives_pixels_or_a_clear_error_and_nothing_else()
    {
        byte[] png = PngWriter.Encode(Noise(9, 5, 3));
        int refused = 0;
        for (int seed = 0; seed < 4000; seed++)
        {
            byte[] damaged = [.. seed % 2 == 0 ? png : s_greyJpeg];
            uint random = (uint)seed * 2654435761u;
            for (int i = 0; i < 1 + (seed % 3); i++)
            {
                random = (random * 1664525u) + 1013904223u;
                damaged[(int)((random >> 8) % (uint)damaged.Length)] = (byte)random;
            }

            try
            {
                ImageFile.Decode(damaged, "damaged", new ImageReadOptions { MaxPixels = 100_000 });
            }
            catch (ImageException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 2000, 3999);
    }

    [Fact]
    public void A_small_file_that_claims_to_be_large_is_refused_before_memory_is_taken()
    {
        Refused(ErrorCodes.ImageTooLarge, "60000 × 60000 pixels, and 100000000 are allowed", () => ImageFile.Decode(Png(60_000, 60_000, 8, 2, [1, 2, 3]), "bomb.png"));
        Refused(ErrorCodes.ImageInvalid, "cannot hold the 9000 × 9000", () => ImageFile.Decode(Png(9000, 9000, 8, 2, [1, 2, 3]), "bomb.png"));
        byte[] jpeg = [.. s_greyJpeg];
        (jpeg[76], jpeg[77], jpeg[78], jpeg[79]) = (0x20, 0, 0x20, 0);
        Refused(ErrorCodes.ImageTruncated, "8192 × 8192 pixels are to come", () => ImageFile.Decode(jpeg, "bomb.jpg"));
    }

    [Fact]
    public void A_contradiction_in_a_png_is_named()
    {
        byte[] wrong = PngWriter.Encode(Noise(4, 4, 1));
        wrong[^14] ^= 1; // in the pixels
        Refused(ErrorCodes.ImageInvalid, "does not have the checksum", () => ImageFile.Decode(wrong, "wrong.png"));
        Refused(ErrorCodes.ImageInvalid, "colour type 2, 4 bits", () => ImageFile.Decode(Png(1, 1, 4, 2, [0, 0]), "wrong.png"));
        Refused(ErrorCodes.ImageInvalid, "no palette", () => ImageFile.Decode(Png(1, 1, 8, 3, [0, 0]), "wrong.png"));
        Refused(ErrorCodes.ImageInvalid, "row 0 has filter 9", () => ImageFile.Decode(Png(1, 1, 8, 0, [9, 0]), "wrong.png"));
        Refused(ErrorCodes.ImageInvalid, "fewer pixels than the 1 × 2", () => ImageFile.Decode(Png(1, 2, 8, 0, [0, 7]), "wrong.png"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Fewer_bits_are_stretched_to_the_whole_range(int bits)
    {
        byte[] row = [0, 0b0001_1011, 0b1110_0100];
        Image image = ImageFile.Decode(Png(8 / bits * 2, 1, bits, 0, row), "few.png");
        Assert.Equal(16 / bits, image.Width);
        Assert.Equal(((row[1] >> (8 - bits)) * 255) / ((1 << bits) - 1), image.Samples[0]);
        Assert.Equal((row[2] & ((1 << bits) - 1)) * 255 / ((1 << bits) - 1), image.Samples[^1]);
    }

    private static Image Noise(int width, int height, int channels)
    {
        var image = new Image(width, height, channels);
        uint random = 1;
        for (int i = 0; i < image.Samples.Length; i++)
        {
            random = (random * 1664525u) + 1013904223u;
            image.Samples[i] = (byte)(random >> 24);
        }

        return image;
    }

    // A PNG of given header and rows (each with its filter byte first), whatever they say.
    private static byte[] Png(int width, int height, int bits, int color, byte[] rows)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = ((byte)bits, (byte)color);
        using var compressed = new MemoryStream();
        using (var pixels = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            pixels.Write(rows);
        }

        return [.. PngWriter.Encode(new Image(1, 1, 1)).AsSpan(0, 8), .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, compressed.ToArray()), .. Chunk("IEND"u8, [])];
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, byte[] data)
    {
        byte[] chunk = [0, 0, 0, 0, .. type, .. data, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32.Of(chunk.AsSpan(4, chunk.Length - 8)));
        return chunk;
    }

    private static void Refused(string code, string part, Action read)
    {
        var error = Assert.Throws<ImageException>(read);
        Assert.Equal(code, error.Code);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
