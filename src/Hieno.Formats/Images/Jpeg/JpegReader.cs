namespace Hieno.Formats.Images.Jpeg;

/// <summary>Reads JPEG (ITU-T T.81): baseline and progressive with Huffman codes, grey and colour.</summary>
internal sealed class JpegReader
{
    // A hostile file can send thousands of passes of a few bytes over a large picture; encoders send about ten.
    private const int MostScans = 500;

    private readonly ImageBytes _file;
    private readonly ImageReadOptions _options;
    private readonly int[]?[] _quantization = new int[]?[4];
    private readonly HuffmanTable?[] _dcTables = new HuffmanTable?[4];
    private readonly HuffmanTable?[] _acTables = new HuffmanTable?[4];
    private JpegFrame? _frame;
    private int _restartInterval;
    private int _orientation = Orientation.Upright;
    private int _scans;
    private bool _hasJfif;
    private int? _adobeTransform;

    private JpegReader(ImageBytes file, ImageReadOptions options)
    {
        (_file, _options) = (file, options);
    }

    public static bool Recognises(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <summary>The picture in grey or red, green and blue, and its orientation.</summary>
    public static (Image Image, int Orientation) Read(ImageBytes file, ImageReadOptions options)
    {
        var reader = new JpegReader(file, options);
        JpegFrame frame = reader.ReadSegments();
        return (JpegColors.ToImage(frame, reader.IsYCbCr(frame)), reader._orientation);
    }

    private JpegFrame ReadSegments()
    {
        _file.Position = 2;
        while (true)
        {
            int marker = NextMarker();
            if (marker == EndOfImage || (marker == None && IsComplete()))
            {
                break;
            }

            if (marker == None)
            {
                throw _file.Truncated("its end marker is still to come");
            }

            if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
            {
                continue; // markers without content
            }

            ReadSegment(marker);
        }

        JpegFrame frame = _frame ?? throw _file.Invalid("it has no picture");
        int missing = frame.Components.Count(component => component.Quantization is null);
        return missing == 0 ? frame : throw _file.Invalid($"it has no pixels for {missing} of its {frame.Components.Length} components");
    }

    private void ReadSegment(int marker)
    {
        int start = _file.Position;
        int length = _file.ReadUInt16();
        if (length < 2)
        {
            throw _file.Invalid($"the segment at byte {start - 2} says it has {length} bytes");
        }

        var segment = new ImageBytes(_file.File, _file.Take(length - 2, $"segment 0x{marker:X2}").ToArray());
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2: BeginFrame(segment, progressive: marker == 0xC2); break;
            case 0xC4: ReadHuffmanTables(segment); break;
            case > 0xC2 and <= 0xCF:
                throw _file.Unsupported(marker >= 0xC9 ? "it is compressed with arithmetic codes" : "it is lossless or hierarchical", "Save it as baseline or progressive JPEG");
            case 0xDB: ReadQuantization(segment); break;
            case 0xDC: throw _file.Unsupported("its height stands behind its pixels", "Save it again with another program");
            case 0xDD: _restartInterval = segment.ReadUInt16(); break;
            case 0xDA: ReadScan(segment); break;
            case 0xE0: _hasJfif |= segment.Bytes.AsSpan().StartsWith("JFIF\0"u8); break;
            case 0xE1 when segment.Bytes.AsSpan().StartsWith("Exif\0\0"u8): _orientation = Orientation.Read(segment.Bytes.AsSpan(6)); break;
            case 0xEE when segment.Length >= 12 && segment.Bytes.AsSpan().StartsWith("Adobe"u8): _adobeTransform = segment.Bytes[11]; break;
            default: break; // comments, thumbnails, colour profiles
        }
    }

    private const int EndOfImage = 0xD9;

    private const int None = -1;

    /// <summary>The next marker's second byte, or <see cref="None"/> at the end of the file.</summary>
    private int NextMarker()
    {
        byte[] bytes = _file.Bytes;
        int at = Array.IndexOf(bytes, (byte)0xFF, _file.Position);
        while (at >= 0 && at + 1 < bytes.Length && bytes[at + 1] is 0x00 or 0xFF)
        {
            at = Array.IndexOf(bytes, (byte)0xFF, at + 1); // filling, or part of something else
        }

        if (at < 0 || at + 1 >= bytes.Length)
        {
            _file.Position = bytes.Length;
            return None;
        }

        _file.Position = at + 2;
        return bytes[at + 1];
    }

    private bool IsComplete() => _frame is { Progressive: false } frame && frame.Components.All(component => component.Quantization is not null);

    private void BeginFrame(ImageBytes segment, bool progressive)
    {
        if (_frame is not null)
        {
            throw _file.Invalid("it has two frames");
        }

        _frame = JpegFrame.Read(segment, _file, progressive, _options);
    }

    private void ReadQuantization(ImageBytes segment)
    {
        while (segment.Left > 0)
        {
            int head = segment.ReadByte();
            if ((head & 15) > 3 || head >> 4 > 1)
            {
                throw _file.Invalid($"it has a quantisation table {head & 15} of precision {head >> 4}, which no JPEG has");
            }

            int[] table = new int[64];
            for (int k = 0; k < 64; k++)
            {
                table[JpegScan.ZigZag[k]] = head >> 4 == 0 ? segment.ReadByte() : segment.ReadUInt16();
            }

            _quantization[head & 15] = table;
        }
    }

    private void ReadHuffmanTables(ImageBytes segment)
    {
        while (segment.Left > 0)
        {
            int head = segment.ReadByte();
            byte[] counts = segment.Take(16, "the lengths of a Huffman code").ToArray();
            int total = counts.Sum(count => count);
            var table = head >> 4 > 1 || (head & 15) > 3 || total > 256
                ? null
                : HuffmanTable.Build(counts, segment.Take(total, "a Huffman code").ToArray());
            (head >> 4 == 0 ? _dcTables : _acTables)[head & 3] = table ?? throw _file.Invalid($"Huffman table 0x{head:X2} with {total} codes is none");
        }
    }

    private void ReadScan(ImageBytes segment)
    {
        JpegFrame frame = _frame ?? throw _file.Invalid("pixels come before the frame's header");
        if (++_scans > MostScans)
        {
            throw _file.Invalid($"it has more than {MostScans} passes");
        }

        var components = new JpegComponent[segment.ReadByte()];
        for (int i = 0; i < components.Length; i++)
        {
            (int id, int tables) = (segment.ReadByte(), segment.ReadByte());
            JpegComponent component = Array.Find(frame.Components, one => one.Id == id && !components.Contains(one))
                ?? throw _file.Invalid($"a pass is for component {id}, which the frame does not have, or for it twice");
            component.Quantization ??= _quantization[component.QuantizationTable]
                ?? throw _file.Invalid($"quantisation table {component.QuantizationTable} is missing");
            (component.DcTable, component.AcTable) = (_dcTables[(tables >> 4) & 3], _acTables[tables & 3]);
            components[i] = component;
        }

        (int first, int last, int bits) = (segment.ReadByte(), segment.ReadByte(), segment.ReadByte());
        var scan = frame.Progressive
            ? new JpegScan(frame, components, _file, _restartInterval) { First = first, Last = last, HighBit = bits >> 4, LowBit = bits & 15 }
            : new JpegScan(frame, components, _file, _restartInterval);
        CheckScan(scan, frame, components);
        scan.Read();
    }

    private void CheckScan(JpegScan scan, JpegFrame frame, JpegComponent[] components)
    {
        bool isDc = scan.First == 0;
        bool fits = components.Length > 0
            && scan.Last <= 63 && scan.First <= scan.Last && scan.LowBit <= 13
            && (!frame.Progressive || (isDc ? scan.Last == 0 : components.Length == 1));
        if (!fits)
        {
            throw _file.Invalid($"a pass has {components.Length} components, coefficients {scan.First} to {scan.Last} and lowest bit {scan.LowBit}, which no JPEG has");
        }

        bool needsDc = isDc && scan.HighBit == 0;
        bool needsAc = !isDc || !frame.Progressive;
        if (components.Any(component => (needsDc && component.DcTable is null) || (needsAc && component.AcTable is null)))
        {
            throw _file.Invalid("a pass uses a Huffman table that is missing");
        }
    }

    // As the usual decoders decide it: Adobe's marker says; else JFIF means brightness and colour differences; else components called R, G, B mean that.
    private bool IsYCbCr(JpegFrame frame) =>
        _adobeTransform is { } transform ? transform != 0
        : _hasJfif || !frame.Components.Select(component => component.Id).SequenceEqual([(int)'R', 'G', 'B']);
}
