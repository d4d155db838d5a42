namespace Hieno.Formats.Safetensors;

/// <summary>One tensor to be written: what it is, and a source of its bytes that is asked only when its turn comes.</summary>
public sealed class SafetensorsItem
{
    private const int ChunkBytes = 1 << 26; // one call of the system per 64 MiB

    private readonly Action<Stream> _write;

    /// <summary>Describes a tensor whose bytes a delegate writes.</summary>
    /// <param name="name">The checkpoint name; any text but <c>__metadata__</c>.</param>
    /// <param name="dtype">Data type of the elements.</param>
    /// <param name="shape">Dimensions, outermost first; empty for a scalar.</param>
    /// <param name="write">Writes exactly the tensor's bytes, little-endian and in C order.</param>
    /// <exception cref="ArgumentException">The name is reserved, a dimension is negative, or the bits do not fill whole bytes.</exception>
    /// <exception cref="OverflowException">The size does not fit 64 bits.</exception>
    public SafetensorsItem(string name, SafetensorsDType dtype, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        if (string.Equals(name, "__metadata__", StringComparison.Ordinal))
        {
            throw new ArgumentException("A tensor cannot be called '__metadata__': the format reserves that name.", nameof(name));
        }

        (Name, DType, _write) = (name, dtype, write);
        ByteLength = dtype.ByteLength(shape);
        Shape = shape.ToArray();
    }

    /// <summary>The checkpoint name.</summary>
    public string Name { get; }

    /// <summary>Data type of the elements.</summary>
    public SafetensorsDType DType { get; }

    /// <summary>Dimensions, outermost first.</summary>
    public long[] Shape { get; }

    /// <summary>Bytes of the tensor, from its type and shape.</summary>
    public long ByteLength { get; }

    /// <summary>A tensor whose bytes lie in memory that stays valid and in place until the file is written.</summary>
    public static unsafe SafetensorsItem FromPointer(string name, SafetensorsDType dtype, ReadOnlySpan<long> shape, byte* data)
    {
        nint address = (nint)data;
        long length = dtype.ByteLength(shape);
        return new SafetensorsItem(name, dtype, shape, stream =>
        {
            for (long at = 0; at < length; at += ChunkBytes)
            {
                stream.Write(new ReadOnlySpan<byte>((byte*)address + at, (int)Math.Min(ChunkBytes, length - at)));
            }
        });
    }

    /// <summary>A tensor whose bytes lie in managed memory.</summary>
    /// <exception cref="ArgumentException">The number of bytes is not what type and shape imply.</exception>
    public static SafetensorsItem FromBytes(string name, SafetensorsDType dtype, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> bytes) =>
        dtype.ByteLength(shape) == bytes.Length
            ? new SafetensorsItem(name, dtype, shape, stream => stream.Write(bytes.Span))
            : throw new ArgumentException(
                $"{name}: {dtype.Name()} of shape [{string.Join(", ", shape.ToArray())}] takes {dtype.ByteLength(shape)} bytes, got {bytes.Length}.", nameof(bytes));

    /// <summary>A tensor copied from a file that stays open until the new one is written.</summary>
    public static unsafe SafetensorsItem FromFile(WeightFile file, SafetensorsEntry entry) =>
        FromPointer(entry.Name, entry.DType, entry.Shape, file.PointerTo(entry));

    internal void WriteTo(Stream stream) => _write(stream);
}
