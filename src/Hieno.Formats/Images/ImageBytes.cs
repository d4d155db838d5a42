using System.Buffers.Binary;

namespace Hieno.Formats.Images;

/// <summary>The bytes of one file and its name, for reading in order with errors that say where.</summary>
internal sealed class ImageBytes(string file, byte[] bytes)
{
    public string File => file;

    public byte[] Bytes => bytes;

    public int Length => bytes.Length;

    public int Position { get; set; }

    public int Left => bytes.Length - Position;

    public byte ReadByte() => Take(1, "a byte")[0];

    public int ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2, "a number"));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4, "a number"));

    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > Left)
        {
            throw Truncated($"{what} of {count} bytes begins at byte {Position}");
        }

        var taken = bytes.AsSpan(Position, count);
        Position += count;
        return taken;
    }

    public ImageException Truncated(string fact) =>
        new(ErrorCodes.ImageTruncated, file, $"the file ends after {Length} bytes, but {fact}", "Copy or download the file again");

    public ImageException Invalid(string fact, Exception? inner = null) =>
        new(ErrorCodes.ImageInvalid, file, fact, "Save the picture again with another program, or leave it out", inner);

    public ImageException Unsupported(string fact, string advice) => new(ErrorCodes.ImageUnsupported, file, fact, advice);

    public void CheckSize(long width, long height, ImageReadOptions options)
    {
        if (width == 0 || height == 0)
        {
            throw Invalid($"the picture is {width} × {height} pixels");
        }

        long most = Math.Min(options.MaxPixels, ImageReadOptions.MostPixels);
        if (width > most / height)
        {
            throw new ImageException(ErrorCodes.ImageTooLarge, file, $"the picture is {width} × {height} pixels, and {most} are allowed", "Make the picture smaller");
        }
    }
}
