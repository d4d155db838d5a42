using System.Buffers.Binary;

namespace Hieno.Formats.Images.Sets;

/// <summary>The bytes of a file of many pictures, unpacked as they are taken, with errors that say where.</summary>
internal sealed class SetBytes(string path, Stream stream)
{
    // Deflate makes at most 258 bytes of two bits (RFC 1951, section 3.2.5).
    public const long MostUnpacked = 1032;

    public string Path => path;

    /// <summary>How many bytes were taken.</summary>
    public long Position { get; private set; }

    public static byte[] ReadAll(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(ErrorCodes.ImageFileUnreadable, path, $"the file cannot be opened ({error.Message.TrimEnd('.')})", "Check the path, and that the file may be read", error);
        }
    }

    public byte[] Take(int count, string what)
    {
        byte[] taken = new byte[count];
        int read = stream.ReadAtLeast(taken, count, throwOnEndOfStream: false);
        if (read < count)
        {
            throw new ImageException(ErrorCodes.ImageTruncated, path, $"the file ends after {Position + read} bytes, but {what} begins at byte {Position}", "Copy or download the file again");
        }

        Position += count;
        return taken;
    }

    public uint TakeUInt32(string what) => BinaryPrimitives.ReadUInt32BigEndian(Take(4, what));

    public bool AtEnd() => stream.ReadByte() < 0;
}
