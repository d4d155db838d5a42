using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Hieno.Formats.Safetensors;

/// <summary>A safetensors file, mapped into memory for reading: weights are paged in when touched and never copied.</summary>
/// <remarks>
/// The mapping lives until <see cref="Dispose"/>; the garbage collector never ends it, so a pointer cannot be left dangling by accident.
/// </remarks>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly SafeFileHandle _handle; // open as long as the mapping is
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;
    private readonly long _dataLength;
    private byte* _data; // first byte after the header; null once disposed

    private SafetensorsFile(string path, FileStream stream)
    {
        Path = path;
        _handle = stream.SafeFileHandle;
        long fileLength = stream.Length;

        Span<byte> start = stackalloc byte[SafetensorsHeader.LengthBytes];
        int headerLength = SafetensorsHeader.ReadLength(start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)], fileLength, path);

        _mapped = MemoryMappedFile.CreateFromFile(stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _mapped.CreateViewAccessor(0, fileLength, MemoryMappedFileAccess.Read);
        byte* mapping = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref mapping);
        mapping += _view.PointerOffset;
        _dataStart = SafetensorsHeader.LengthBytes + headerLength;
        _data = mapping + _dataStart;
        _dataLength = fileLength - _dataStart;

        try
        {
            _header = SafetensorsHeader.Parse(new ReadOnlySpan<byte>(mapping + SafetensorsHeader.LengthBytes, headerLength), fileLength, path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The path the file was opened with.</summary>
    public string Path { get; }

    /// <summary>All tensors by name, in the order of their bytes.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The free text in the header's <c>__metadata__</c>; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Maps a file and checks its header by every rule of the format; no weight is read.</summary>
    /// <exception cref="CheckpointException">The file is absent, unreadable, truncated or malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream? stream = null;
        try
        {
            // Buffer size 0: eight bytes are read here, the rest comes through the mapping.
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            return new SafetensorsFile(path, stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            stream?.Dispose();
            string fact = e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : $"the file cannot be read ({e.Message.TrimEnd('.')})";
            throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, path, fact, "Check the path and its permissions", e);
        }
        catch
        {
            stream?.Dispose();
            throw;
        }
    }

    /// <summary>The entry of a tensor that must be there.</summary>
    /// <exception cref="CheckpointException">The file has no tensor of that name.</exception>
    public SafetensorsEntry Require(string name) =>
        Entries.TryGetValue(name, out var entry)
            ? entry
            : throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, name,
                $"there is no such tensor among the {Entries.Count} of {Path}", "Check that the weights belong to this model") { Tensor = name };

    /// <summary>The address of a tensor's first byte; valid until <see cref="Dispose"/>. It need not be aligned to the element size.</summary>
    /// <exception cref="ArgumentException">The entry does not lie in this file.</exception>
    /// <exception cref="ObjectDisposedException">The file has been closed.</exception>
    public byte* PointerTo(SafetensorsEntry entry)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        if (entry.Begin < 0 || entry.End < entry.Begin || entry.End > _dataLength)
        {
            throw new ArgumentException($"{entry.Name}: bytes {entry.Begin} to {entry.End} do not lie in {Path}, which has {_dataLength}.", nameof(entry));
        }

        return _data + entry.Begin;
    }

    /// <summary>A tensor's bytes; valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ArgumentException">The entry does not lie in this file, or is longer than a span can be (2 GiB): use <see cref="PointerTo"/>.</exception>
    /// <exception cref="ObjectDisposedException">The file has been closed.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry)
    {
        byte* pointer = PointerTo(entry);
        return entry.ByteLength <= int.MaxValue
            ? new ReadOnlySpan<byte>(pointer, (int)entry.ByteLength)
            : throw new ArgumentException($"{entry.Name}: {entry.ByteLength} bytes are more than a span can hold; use PointerTo.", nameof(entry));
    }

    /// <summary>Copies a part of a tensor's bytes past the mapping, whose pages would count as memory of this process: for what is read once.</summary>
    /// <param name="entry">The tensor.</param>
    /// <param name="start">The first byte, counted from the tensor's.</param>
    /// <param name="destination">As many bytes as are wanted.</param>
    /// <exception cref="ArgumentException">The entry or the part does not lie in this file.</exception>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The file has been closed.</exception>
    public void Read(SafetensorsEntry entry, long start, Span<byte> destination)
    {
        PointerTo(entry); // checks both
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.ByteLength - destination.Length);
        try
        {
            for (long at = _dataStart + entry.Begin + start; !destination.IsEmpty;)
            {
                int read = RandomAccess.Read(_handle, destination, at);
                destination = read > 0 ? destination[read..] : throw new EndOfStreamException("it ended early");
                at += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, Path, $"the tensor '{entry.Name}' cannot be read ({e.Message.TrimEnd('.')})", "Check the disk, or fetch the file again", e) { Tensor = entry.Name };
        }
    }

    /// <summary>Ends the mapping. Every pointer and span taken from this file is invalid afterwards.</summary>
    public void Dispose()
    {
        if (_data is not null)
        {
            _data = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _mapped.Dispose();
        }
    }
}
