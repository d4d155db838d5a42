using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Hieno.Formats.Safetensors;

/// <summary>A file of named tensors, mapped into memory for reading: weights are paged in when touched.</summary>
/// <remarks>
/// The mapping lives until <see cref="Dispose()"/>; the garbage collector never ends it, so a pointer cannot be left dangling by accident.
/// </remarks>
public abstract unsafe class WeightFile : IDisposable
{
    private readonly SafeFileHandle _handle; // open as long as the mapping is
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _mapping; // the file's first byte; null once disposed

    /// <summary>Maps a file that was opened for reading, and takes it over.</summary>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="stream">The file, of at least one byte.</param>
    protected WeightFile(string path, FileStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Path = path;
        _handle = stream.SafeFileHandle;
        FileLength = stream.Length;
        _mapped = MemoryMappedFile.CreateFromFile(stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _mapped.CreateViewAccessor(0, FileLength, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _mapping);
        _mapping += _view.PointerOffset;
    }

    /// <summary>The path the file was opened with.</summary>
    public string Path { get; }

    /// <summary>All tensors by name, in the order of the file.</summary>
    public abstract IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <summary>Bytes of the file.</summary>
    protected long FileLength { get; }

    /// <summary>The byte of the file from which the entries' bytes are counted.</summary>
    protected abstract long DataStart { get; }

    /// <summary>The entry of a tensor that must be there.</summary>
    /// <exception cref="CheckpointException">The file has no tensor of that name.</exception>
    public SafetensorsEntry Require(string name) =>
        Entries.TryGetValue(name, out var entry)
            ? entry
            : throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, name,
                $"there is no such tensor among the {Entries.Count} of {Path}", "Check that the weights belong to this model") { Tensor = name };

    /// <summary>The address of a tensor's first byte; valid until <see cref="Dispose()"/>. It need not be aligned to the element size.</summary>
    /// <exception cref="ArgumentException">The entry does not lie in this file.</exception>
    /// <exception cref="ObjectDisposedException">The file has been closed.</exception>
    public virtual byte* PointerTo(SafetensorsEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ObjectDisposedException.ThrowIf(_mapping is null, this);
        if (entry.Begin < 0 || entry.End < entry.Begin || entry.End > FileLength - DataStart)
        {
            throw new ArgumentException($"{entry.Name}: bytes {entry.Begin} to {entry.End} do not lie in {Path}, which has {FileLength - DataStart}.", nameof(entry));
        }

        return _mapping + DataStart + entry.Begin;
    }

    /// <summary>A tensor's bytes; valid until <see cref="Dispose()"/>.</summary>
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
    public virtual void Read(SafetensorsEntry entry, long start, Span<byte> destination)
    {
        PointerTo(entry); // checks both
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.ByteLength - destination.Length);
        try
        {
            for (long at = DataStart + entry.Begin + start; !destination.IsEmpty;)
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
        if (_mapping is not null)
        {
            _mapping = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _mapped.Dispose();
            FreeCopies();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>A part of the file.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="count">Its length; the part is known to lie in the file.</param>
    protected ReadOnlySpan<byte> Mapping(long start, int count) => new(_mapping + start, count);

    /// <summary>Gives back what was allocated beside the mapping. Default: nothing.</summary>
    protected virtual void FreeCopies()
    {
    }

    /// <summary>Opens a file and has it read; what goes wrong with the file itself is said in one way.</summary>
    /// <exception cref="CheckpointException">It is absent or unreadable.</exception>
    internal static T Open<T>(string path, Func<string, FileStream, T> read)
    {
        FileStream? stream = null;
        try
        {
            // Buffer size 0: only the first bytes are read here, the rest comes through the mapping.
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            return read(path, stream);
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
}
