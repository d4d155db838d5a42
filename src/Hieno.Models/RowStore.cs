using System.Runtime.InteropServices;
using Hieno.Formats.Durable;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Keeps rows of vectors: in memory up to a limit, then in a file.</summary>
/// <param name="width">Numbers in a row.</param>
/// <param name="memoryLimit">The most bytes kept in memory.</param>
/// <param name="file">A file for the rest, made when it is needed and removed at the end; null keeps no more than fits in memory.</param>
/// <param name="backend">Where the memory lies; the default backend when null.</param>
/// <remarks>Numbers are kept as they are, in 32 bits.</remarks>
public sealed class RowStore(int width, long memoryLimit, string? file = null, Backend? backend = null) : IDisposable
{
    private const long SlabBytes = 16L << 20;

    private readonly List<Tensor> _slabs = [];
    private int _usedOfLast; // rows of the last slab
    private FileStream? _file;
    private float[] _buffer = [];

    /// <summary>Bytes kept in memory.</summary>
    public long MemoryBytes { get; private set; }

    /// <summary>Bytes kept in the file.</summary>
    public long FileBytes { get; private set; }

    private long RowBytes => (long)width * sizeof(float);

    /// <summary>Keeps a copy of some rows.</summary>
    /// <returns>Where they lie; null where there is no room for them.</returns>
    /// <exception cref="StorageException">The file could not be written.</exception>
    internal Place? Add(Tensor rows)
    {
        Place? place = TakeMemory(rows.Rows);
        if (place is { } found)
        {
            rows.Backend.Copy(rows, At(found));
            return place;
        }

        return file is null ? null : Append(rows);
    }

    /// <summary>Copies rows that were kept.</summary>
    /// <exception cref="StorageException">The file could not be read.</exception>
    internal void Read(Place place, Tensor destination)
    {
        if (place.Slab is not null)
        {
            destination.Backend.Copy(At(place), destination);
            return;
        }

        Span<float> values = Buffer(place.Rows);
        try
        {
            _file!.Position = place.First * RowBytes;
            _file.ReadExactly(MemoryMarshal.AsBytes(values));
        }
        catch (IOException e)
        {
            throw StorageException.From(e, file!, "reading what the frozen layers computed", "The checkpoints are intact");
        }

        destination.Backend.CopyFromHost(values, destination);
    }

    /// <summary>Forgets everything and removes the file.</summary>
    public void Dispose()
    {
        _file?.Dispose(); // deletes it
        _file = null;
        _slabs.Clear();
    }

    private static Tensor At(Place place) => place.Slab!.RowRange((int)place.First, place.Rows);

    private Place? TakeMemory(int rows)
    {
        if (_slabs.Count == 0 || _usedOfLast + rows > _slabs[^1].Rows)
        {
            long bytes = Math.Max(Math.Min(SlabBytes, memoryLimit - MemoryBytes) / RowBytes, rows) * RowBytes;
            if (MemoryBytes + bytes > memoryLimit)
            {
                return null;
            }

            _slabs.Add(Tensor.CreateLongLived([(int)(bytes / RowBytes), width], DType.F32, backend));
            _usedOfLast = 0;
            MemoryBytes += bytes;
        }

        var place = new Place(_slabs[^1], _usedOfLast, rows);
        _usedOfLast += rows;
        return place;
    }

    private Place Append(Tensor rows)
    {
        Span<float> values = Buffer(rows.Rows);
        rows.Backend.CopyToHost(rows, values);
        try
        {
            _file ??= new FileStream(
                file!, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose | FileOptions.RandomAccess);
            _file.Position = FileBytes;
            _file.Write(MemoryMarshal.AsBytes(values));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(e, file!, "keeping what the frozen layers computed", "The checkpoints are intact");
        }

        var place = new Place(null, FileBytes / RowBytes, rows.Rows);
        FileBytes += rows.Rows * RowBytes;
        return place;
    }

    private Span<float> Buffer(int rows)
    {
        int count = checked(rows * width);
        _buffer = _buffer.Length < count ? new float[count] : _buffer;
        return _buffer.AsSpan(0, count);
    }

    /// <summary>Where rows lie.</summary>
    /// <param name="Slab">The piece of memory, or null for the file.</param>
    /// <param name="First">The first row in it.</param>
    /// <param name="Rows">How many.</param>
    internal readonly record struct Place(Tensor? Slab, long First, int Rows);
}
