namespace Hieno.Formats.Safetensors;

/// <summary>A safetensors file, mapped into memory for reading: weights are paged in when touched and never copied.</summary>
public sealed class SafetensorsFile : WeightFile
{
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, FileStream stream, int headerLength)
        : base(path, stream)
    {
        DataStart = SafetensorsHeader.LengthBytes + headerLength;
        try
        {
            _header = SafetensorsHeader.Parse(Mapping(SafetensorsHeader.LengthBytes, headerLength), FileLength, path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The free text in the header's <c>__metadata__</c>; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <inheritdoc/>
    protected override long DataStart { get; }

    /// <summary>Maps a file and checks its header by every rule of the format; no weight is read.</summary>
    /// <exception cref="CheckpointException">The file is absent, unreadable, truncated or malformed.</exception>
    public static SafetensorsFile Open(string path) => Open(path, Map);

    private static SafetensorsFile Map(string path, FileStream stream)
    {
        Span<byte> start = stackalloc byte[SafetensorsHeader.LengthBytes];
        int headerLength = SafetensorsHeader.ReadLength(start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)], stream.Length, path);
        return new SafetensorsFile(path, stream, headerLength);
    }
}
