using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Hieno.Formats.Safetensors;

// A safetensors file is: header length N (8 bytes, little-endian), N bytes of JSON, then the tensors' bytes.
// The header comes from a stranger, so each rule of the format is checked before a byte of data is touched:
// after Parse every entry lies inside the file, entries cover the data exactly, and no size has overflowed.
internal sealed class SafetensorsHeader
{
    public const int LengthBytes = 8;
    public const int MaxLength = 100_000_000; // the limit of the reference implementation

    private const string DownloadAgain = "The file is damaged or incomplete: fetch or write it again";

    // An entry is three levels deep; the rest is room for unknown keys. Deeper nesting is refused, not recursed into.
    private const int MaxDepth = 32;

    private readonly string _file;
    private readonly List<SafetensorsEntry> _entries = [];

    private SafetensorsHeader(string file)
    {
        _file = file;
    }

    /// <summary>Entries by name, in the order of their bytes.</summary>
    public OrderedDictionary<string, SafetensorsEntry> Entries { get; } = new(StringComparer.Ordinal);

    public OrderedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads N from the first 8 bytes and checks that the header can lie in a file of this length.</summary>
    public static int ReadLength(ReadOnlySpan<byte> start, long fileLength, string file)
    {
        if (start.Length < LengthBytes)
        {
            throw new CheckpointException(ErrorCodes.CheckpointHeaderTruncated, file,
                $"the file has {fileLength} bytes, a safetensors file has at least {LengthBytes}", DownloadAgain);
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (length > MaxLength)
        {
            throw new CheckpointException(ErrorCodes.CheckpointHeaderTooLarge, file,
                $"the header claims {length} bytes, the limit is {MaxLength}", "This is no safetensors file, or a damaged one");
        }

        if ((long)length > fileLength - LengthBytes)
        {
            throw new CheckpointException(ErrorCodes.CheckpointHeaderTruncated, file,
                $"the header claims {length} bytes, but only {fileLength - LengthBytes} follow", DownloadAgain);
        }

        return (int)length;
    }

    /// <summary>Parses and validates the N bytes of JSON of a file that is <paramref name="fileLength"/> bytes long in all.</summary>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileLength, string file)
    {
        if (!Utf8.IsValid(json))
        {
            throw new CheckpointException(ErrorCodes.CheckpointNotJson, file, "the header is not valid UTF-8", DownloadAgain);
        }

        var header = new SafetensorsHeader(file);
        try
        {
            header.ReadJson(json);
        }
        catch (JsonException e)
        {
            throw header.NotJson($"is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", e);
        }

        header.Validate(fileLength - LengthBytes - json.Length);
        return header;
    }

    private void ReadJson(ReadOnlySpan<byte> json)
    {
        // The reader accepts spaces, tabs and line ends around the object, as the reference reader does.
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw NotJson("is not a JSON object");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = Text(ref reader);
            if (!names.Add(name))
            {
                throw new CheckpointException(ErrorCodes.CheckpointDuplicateName, _file,
                    $"the header names '{Shorten(name)}' twice", "Keep one tensor of that name") { Tensor = name };
            }

            reader.Read();
            if (string.Equals(name, "__metadata__", StringComparison.Ordinal))
            {
                ReadMetadata(ref reader);
            }
            else
            {
                _entries.Add(ReadEntry(ref reader, name));
            }
        }

        // One more read walks over trailing white space and raises JsonException for anything else.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw NotJson("has a '__metadata__' that is not an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader);
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw NotJson($"has a '__metadata__' whose '{Shorten(key)}' is not a string");
            }

            if (!Metadata.TryAdd(key, Text(ref reader)))
            {
                throw new CheckpointException(ErrorCodes.CheckpointDuplicateName, _file,
                    $"'__metadata__' has '{Shorten(key)}' twice", "Keep one of them");
            }
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Invalid(name, "its entry is not an object");
        }

        SafetensorsDType? dtype = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader);
            reader.Read();
            bool again = false;
            switch (key)
            {
                case "dtype":
                    again = dtype is not null;
                    dtype = ReadDType(ref reader, name);
                    break;
                case "shape":
                    again = shape is not null;
                    shape = ReadNumbers(ref reader, name, "shape");
                    break;
                case "data_offsets":
                    again = offsets is not null;
                    offsets = ReadNumbers(ref reader, name, "data_offsets");
                    break;
                default:
                    reader.Skip(); // the reference reader ignores keys it does not know
                    break;
            }

            if (again)
            {
                throw new CheckpointException(ErrorCodes.CheckpointDuplicateName, _file,
                    $"tensor '{Shorten(name)}' has '{key}' twice", DownloadAgain) { Tensor = name };
            }
        }

        if (dtype is null || shape is null || offsets is not [long begin, long end])
        {
            throw Invalid(name, dtype is null ? "it has no 'dtype'" : shape is null ? "it has no 'shape'" : "its 'data_offsets' are not two numbers");
        }

        return new SafetensorsEntry(name, dtype.Value, shape, begin, end);
    }

    private SafetensorsDType ReadDType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw Invalid(name, "its 'dtype' is not a string");
        }

        string text = Text(ref reader);
        return SafetensorsDTypes.TryParse(text, out var dtype)
            ? dtype
            : throw Invalid(name, $"its data type '{Shorten(text)}' is unknown; known are {string.Join(", ", SafetensorsDTypes.Names)}");
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Invalid(name, $"its '{key}' is not a list");
        }

        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            // No fraction, no exponent, no sign ("-0" would pass as an integer), at most 2^63 - 1.
            if (reader.TokenType != JsonTokenType.Number || reader.ValueSpan[0] == '-' || !reader.TryGetInt64(out long number))
            {
                throw Invalid(name, $"its '{key}' holds something that is not a whole number from 0 to 2^63 - 1");
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    private void Validate(long dataLength)
    {
        // Empty tensors share their offsets; the name makes their order definite.
        _entries.Sort((a, b) =>
            a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin)
            : a.End != b.End ? a.End.CompareTo(b.End)
            : string.CompareOrdinal(a.Name, b.Name));

        long expected = 0;
        foreach (var entry in _entries)
        {
            if (entry.Begin != expected || entry.End < entry.Begin)
            {
                throw new CheckpointException(ErrorCodes.CheckpointOffsetsInvalid, _file,
                    $"tensor '{Shorten(entry.Name)}' lies at bytes {entry.Begin} to {entry.End}, expected to begin at {expected}; "
                    + "tensors must follow each other without a hole or an overlap", DownloadAgain) { Tensor = entry.Name };
            }

            CheckSize(entry);
            expected = entry.End;
            Entries.Add(entry.Name, entry);
        }

        if (expected != dataLength)
        {
            throw new CheckpointException(ErrorCodes.CheckpointLengthMismatch, _file,
                $"the tensors take {expected} bytes, the file has {dataLength} after its header", DownloadAgain);
        }
    }

    private void CheckSize(SafetensorsEntry entry)
    {
        long bytes;
        try
        {
            bytes = entry.DType.ByteLength(entry.Shape);
        }
        catch (OverflowException e)
        {
            throw new CheckpointException(ErrorCodes.CheckpointSizeOverflow, _file,
                $"{Described(entry)} has more than 2^64 bits", DownloadAgain, e) { Tensor = entry.Name };
        }
        catch (ArgumentException e)
        {
            throw new CheckpointException(ErrorCodes.CheckpointSizeMismatch, _file,
                $"{Described(entry)} does not fill whole bytes", DownloadAgain, e) { Tensor = entry.Name };
        }

        if (bytes != entry.ByteLength)
        {
            throw new CheckpointException(ErrorCodes.CheckpointSizeMismatch, _file,
                $"{Described(entry)} needs {bytes} bytes, its offsets give it {entry.ByteLength}", DownloadAgain) { Tensor = entry.Name };
        }
    }

    private static string Described(SafetensorsEntry entry) =>
        $"tensor '{Shorten(entry.Name)}' of type {entry.DType.Name()} and shape [{Shorten(string.Join(", ", entry.Shape))}]";

    // A JSON string can spell half a surrogate pair (\ud800), which is no text; the reader reports that as InvalidOperationException.
    private string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw NotJson("holds a string that is not valid Unicode", e);
        }
    }

    private CheckpointException NotJson(string fact, Exception? inner = null) =>
        new(ErrorCodes.CheckpointNotJson, _file, $"the header {fact}", DownloadAgain, inner);

    private CheckpointException Invalid(string name, string fact) =>
        new(ErrorCodes.CheckpointEntryInvalid, _file, $"tensor '{Shorten(name)}': {fact}", DownloadAgain) { Tensor = name };

    // A hostile name may be megabytes long; an error message is for reading.
    private static string Shorten(string text) => text.Length <= 200 ? text : string.Concat(text.AsSpan(0, 200), "…");
}
