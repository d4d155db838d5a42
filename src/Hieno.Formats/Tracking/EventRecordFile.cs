using System.Buffers.Binary;
using Hieno.Formats.Durable;

namespace Hieno.Formats.Tracking;

/// <summary>
/// A file of records: length (8 bytes), its masked checksum (4), the data, its masked checksum (4), all little-endian. A reader
/// takes a record that is cut off at the end as not yet written.
/// </summary>
internal sealed class EventRecordFile : IDisposable
{
    private readonly FileStream _stream;

    private EventRecordFile(string path, FileStream stream) => (Path, _stream) = (path, stream);

    public string Path { get; }

    /// <summary>Creates the first of the files <c>name.0</c>, <c>name.1</c>, … that does not exist.</summary>
    /// <exception cref="StorageException">The folder or the file cannot be created.</exception>
    public static EventRecordFile Create(string folder, string name)
    {
        try
        {
            Directory.CreateDirectory(folder);
            for (int id = 0; ; id++)
            {
                string path = System.IO.Path.Combine(folder, FormattableString.Invariant($"{name}.{id}"));
                if (!File.Exists(path))
                {
                    return new EventRecordFile(path, new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(e, folder, "creating the events file", "Nothing was written");
        }
    }

    public void Append(ReadOnlySpan<byte> data) => Guard("writing an event", data, (stream, bytes) =>
    {
        Span<byte> header = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Crc32C.Masked(header[..8]));
        Span<byte> footer = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(footer, Crc32C.Masked(bytes));
        stream.Write(header);
        stream.Write(bytes);
        stream.Write(footer);
    });

    /// <summary>Hands everything to the system, where a running TensorBoard sees it.</summary>
    public void Flush() => Guard("flushing the events", default, static (stream, _) => stream.Flush());

    public void Dispose() => Guard("closing the events file", default, static (stream, _) => stream.Dispose());

    private void Guard(string doing, ReadOnlySpan<byte> data, Action<FileStream, ReadOnlySpan<byte>> action)
    {
        try
        {
            action(_stream, data);
        }
        catch (IOException e)
        {
            throw StorageException.From(e, Path, doing, "The events flushed before are intact");
        }
    }
}
