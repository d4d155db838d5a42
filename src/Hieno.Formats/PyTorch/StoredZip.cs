using System.Buffers.Binary;
using System.Text;

namespace Hieno.Formats.PyTorch;

/// <summary>An entry of a zip file whose bytes lie there as they are.</summary>
/// <param name="Start">Its first byte in the file.</param>
/// <param name="Length">Its length.</param>
internal readonly record struct StoredEntry(long Start, long Length);

/// <summary>Where in a zip file the entries lie: PyTorch stores them without compression, so they can be mapped.</summary>
internal static class StoredZip
{
    private const uint EndSignature = 0x06054b50;
    private const uint End64Signature = 0x06064b50;
    private const uint Locator64Signature = 0x07064b50;
    private const uint CentralSignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int MaxEntries = 1_000_000;

    /// <summary>Reads a part of a file.</summary>
    public delegate ReadOnlySpan<byte> Source(long start, int count);

    /// <summary>Lists the entries.</summary>
    /// <param name="length">Bytes of the file.</param>
    /// <param name="read">Reads parts of it; asked only for what lies in it.</param>
    /// <param name="file">The file, for messages.</param>
    /// <exception cref="CheckpointException">It is truncated or malformed, or an entry is compressed.</exception>
    public static IReadOnlyDictionary<string, StoredEntry> Entries(long length, Source read, string file)
    {
        (long count, long at) = Directory(length, read, file);
        var entries = new Dictionary<string, StoredEntry>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = Part(at, 46);
            if (U32(header) != CentralSignature)
            {
                throw Invalid($"its directory has no entry {i} at byte {at}");
            }

            (int nameLength, int extraLength, int commentLength) = (U16(header[28..]), U16(header[30..]), U16(header[32..]));
            (ulong packed, ulong size, ulong local) = (U32(header[20..]), U32(header[24..]), U32(header[42..]));
            int method = U16(header[10..]);
            string name = Encoding.UTF8.GetString(Part(at + 46, nameLength));
            ReadExtra(Part(at + 46 + nameLength, extraLength), ref size, ref packed, ref local);
            if (method != 0 || packed != size)
            {
                throw Invalid($"the entry '{name}' is compressed, which PyTorch's files are not");
            }

            if (local > (ulong)length || U32(Part((long)local, 30)) != LocalSignature)
            {
                throw Invalid($"the entry '{name}' does not lie where the directory says");
            }

            // Padding in the local header's extra field aligns the data; the directory does not have it.
            ReadOnlySpan<byte> there = Part((long)local, 30);
            long start = (long)local + 30 + U16(there[26..]) + U16(there[28..]);
            if (start > length || size > (ulong)(length - start))
            {
                throw Invalid($"the entry '{name}' of {size} bytes at byte {start} does not fit into {length}");
            }

            if (!entries.TryAdd(name, new StoredEntry(start, (long)size)))
            {
                throw Invalid($"there are two entries '{name}'");
            }

            at += 46 + nameLength + extraLength + commentLength;
        }

        return entries;

        ReadOnlySpan<byte> Part(long from, int bytes) => from >= 0 && bytes <= length - from ? read(from, bytes) : throw Invalid("it ends within its directory");

        CheckpointException Invalid(string fact) => Error(file, fact);
    }

    private static (long Count, long Start) Directory(long length, Source read, string file)
    {
        const int EndLength = 22;
        const int MaxComment = 65_535;
        int tail = (int)Math.Min(length, EndLength + MaxComment);
        ReadOnlySpan<byte> end = read(length - tail, tail);
        int found = -1;
        for (int i = tail - EndLength; i >= 0 && found < 0; i--)
        {
            found = U32(end[i..]) == EndSignature && U16(end[(i + 20)..]) == tail - i - EndLength ? i : -1;
        }

        if (found < 0)
        {
            throw Error(file, "it has no directory at its end, so it is truncated");
        }

        (ulong count, ulong start) = ((ulong)U16(end[(found + 10)..]), U32(end[(found + 16)..]));
        long locator = length - tail + found - 20;
        if (locator >= 0 && U32(read(locator, 4)) == Locator64Signature)
        {
            ulong record = BinaryPrimitives.ReadUInt64LittleEndian(read(locator + 8, 8));
            if (record > (ulong)length - 56 || U32(read((long)record, 4)) != End64Signature)
            {
                throw Error(file, "its 64-bit directory is not where it says");
            }

            ReadOnlySpan<byte> wide = read((long)record, 56);
            (count, start) = (BinaryPrimitives.ReadUInt64LittleEndian(wide[32..]), BinaryPrimitives.ReadUInt64LittleEndian(wide[48..]));
        }

        return count <= MaxEntries && start <= (ulong)length ? ((long)count, (long)start) : throw Error(file, $"its directory of {count} entries does not fit");
    }

    // Fields that do not fit 32 bits are in the extra field, those alone and in this order.
    private static void ReadExtra(ReadOnlySpan<byte> extra, ref ulong size, ref ulong packed, ref ulong local)
    {
        while (extra.Length >= 4)
        {
            int length = Math.Min(U16(extra[2..]), extra.Length - 4);
            ReadOnlySpan<byte> content = extra.Slice(4, length);
            if (U16(extra) == 1)
            {
                Wide(ref size, ref content);
                Wide(ref packed, ref content);
                Wide(ref local, ref content);
            }

            extra = extra[(4 + length)..];
        }

        static void Wide(ref ulong value, ref ReadOnlySpan<byte> content)
        {
            if (value == uint.MaxValue && content.Length >= 8)
            {
                value = BinaryPrimitives.ReadUInt64LittleEndian(content);
                content = content[8..];
            }
        }
    }

    private static uint U32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static int U16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static CheckpointException Error(string file, string fact) => new(ErrorCodes.CheckpointPickleInvalid, file, $"as a zip file, {fact}", "Fetch or save the file again");
}
