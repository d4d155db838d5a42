using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Hieno.Formats.Durable;

namespace Hieno.Formats.Safetensors;

/// <summary>Writes safetensors files byte for byte as the reference implementation does.</summary>
public static class SafetensorsWriter
{
    // Refuses half surrogate pairs instead of replacing them: two names must never become one.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes a file. It appears under its name only when complete, so a file that is being replaced stays whole (and mapped) until then.</summary>
    /// <remarks>It is not synced to the disk; <see cref="DurableFolder"/> does that for a folder as a whole.</remarks>
    /// <param name="path">The file to write or replace.</param>
    /// <param name="items">The tensors, in any order; their bytes are asked for one tensor after the other.</param>
    /// <param name="metadata">Free text for the header, or null; <c>format</c> = <c>pt</c> is added where absent, as loaders insist on it.</param>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    /// <exception cref="InvalidOperationException">A tensor's source wrote more or fewer bytes than its shape implies.</exception>
    /// <exception cref="StorageException">The disk is full or the file cannot be written; the old file is intact.</exception>
    public static void Write(string path, IEnumerable<SafetensorsItem> items, IReadOnlyDictionary<string, string>? metadata = null) =>
        DurableFile.Replace(path, stream => Write(stream, items, metadata), sync: false);

    /// <summary>Writes the bytes of a file to a stream; the arguments and errors are those of the other overload.</summary>
    public static void Write(Stream stream, IEnumerable<SafetensorsItem> items, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = InFileOrder(items);
        byte[] header = StrictUtf8.GetBytes(Header(ordered, metadata));
        int padded = (header.Length + 7) / 8 * 8; // the data begins at a multiple of 8

        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)padded);
        stream.Write(length);
        stream.Write(header);
        stream.Write("        "u8[..(padded - header.Length)]);

        foreach (var item in ordered)
        {
            var measured = new MeasuredStream(stream, item);
            item.WriteTo(measured);
            measured.CheckComplete();
        }
    }

    // Data types descending, so that wide elements come first and stay aligned; then names in the order of their UTF-8 bytes.
    private static SafetensorsItem[] InFileOrder(IEnumerable<SafetensorsItem> items)
    {
        var keyed = items.Select(item => (Item: item, Key: StrictUtf8.GetBytes(item.Name))).ToArray();
        Array.Sort(keyed, (a, b) => a.Item.DType != b.Item.DType
            ? b.Item.DType.CompareTo(a.Item.DType)
            : a.Key.AsSpan().SequenceCompareTo(b.Key));

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (item, _) in keyed)
        {
            if (!seen.Add(item.Name))
            {
                throw new ArgumentException($"Two tensors are called '{item.Name}'.", nameof(items));
            }
        }

        return [.. keyed.Select(pair => pair.Item)];
    }

    private static string Header(SafetensorsItem[] items, IReadOnlyDictionary<string, string>? metadata)
    {
        var json = new StringBuilder("{");
        if (metadata is { Count: > 0 })
        {
            var pairs = metadata.ContainsKey("format") ? metadata : metadata.Prepend(new("format", "pt"));
            json.Append("\"__metadata__\":{");
            foreach (var (key, value) in pairs)
            {
                AppendString(json, key).Append(':');
                AppendString(json, value).Append(',');
            }

            json.Length--;
            json.Append("},");
        }

        long begin = 0;
        foreach (var item in items)
        {
            long end = checked(begin + item.ByteLength);
            AppendString(json, item.Name)
                .Append(CultureInfo.InvariantCulture, $":{{\"dtype\":\"{item.DType.Name()}\",\"shape\":[")
                .AppendJoin(',', item.Shape)
                .Append(CultureInfo.InvariantCulture, $"],\"data_offsets\":[{begin},{end}]}},");
            begin = end;
        }

        if (json[^1] == ',')
        {
            json.Length--;
        }

        return json.Append('}').ToString();
    }

    // Escapes what JSON demands and nothing more, with lower-case hex digits: so does the reference writer.
    private static StringBuilder AppendString(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }

        return json.Append('"');
    }

    // Passes one tensor's bytes on and counts them: a source that miscounts would shift every tensor after it.
    private sealed class MeasuredStream(Stream target, SafetensorsItem item) : Stream
    {
        private long _written;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _written;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (_written + buffer.Length > item.ByteLength)
            {
                throw new InvalidOperationException($"{item.Name}: its source writes more than the {item.ByteLength} bytes its shape implies.");
            }

            target.Write(buffer);
            _written += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public void CheckComplete()
        {
            if (_written != item.ByteLength)
            {
                throw new InvalidOperationException($"{item.Name}: its source wrote {_written} bytes, its shape implies {item.ByteLength}.");
            }
        }
    }
}
