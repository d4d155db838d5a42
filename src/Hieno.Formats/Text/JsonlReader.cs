namespace Hieno.Formats.Text;

/// <summary>Reads JSON lines: one object a line, in UTF-8.</summary>
/// <remarks>
/// Strict where a mistake would otherwise be trained on (duplicate keys, invalid UTF-8, half surrogate pairs, more than 64 levels),
/// lenient where it cannot matter (byte order mark, CRLF, empty lines, no line end after the last row).
/// </remarks>
public static class JsonlReader
{
    // A row is held in memory as a whole; a longer line is a file without line ends, not a row.
    private const int MaxLineBytes = 1 << 28;

    /// <summary>Reads the rows one after the other; memory holds one line at a time.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onFault">Receives malformed rows, which are left out; null to raise the first.</param>
    /// <exception cref="DatasetException">The file is absent or a row is malformed; raised while reading, with line and byte.</exception>
    public static IEnumerable<DataRow> Read(string path, Action<DatasetException>? onFault = null)
    {
        using var stream = DataBytes.Open(path);
        byte[] buffer = new byte[1 << 16];
        int begin = 0, end = 0; // the bytes of the buffer that are not used yet
        bool atEnd = false;
        for (long line = 1; ; line++)
        {
            int lineLength;
            int searched = 0;
            while ((lineLength = buffer.AsSpan(begin + searched, end - begin - searched).IndexOf((byte)'\n')) < 0 && !atEnd)
            {
                searched = end - begin;
                if (begin > 0)
                {
                    buffer.AsSpan(begin, searched).CopyTo(buffer);
                    (begin, end) = (0, searched);
                }

                if (end == buffer.Length)
                {
                    ThrowIfTooLong(path, line, end);
                    Array.Resize(ref buffer, end * 2);
                }

                int read = DataBytes.Fill(stream, buffer.AsSpan(end));
                end += read;
                atEnd = read == 0;
            }

            bool cutOff = lineLength < 0;
            int length = cutOff ? end - begin : searched + lineLength;
            int mark = line == 1 && buffer.AsSpan(begin, length).StartsWith(Utf8Check.ByteOrderMark) ? 3 : 0;
            var bytes = buffer.AsMemory(begin + mark, length - mark);
            if (bytes.Span.ContainsAnyExcept(" \t\r"u8))
            {
                DataRow? row = null;
                try
                {
                    row = new JsonRow(path, line, 1 + mark).Parse(bytes.Span, cutOff);
                }
                catch (DatasetException fault) when (onFault is not null)
                {
                    onFault(fault);
                }

                if (row is not null)
                {
                    yield return row;
                }
            }

            if (cutOff)
            {
                yield break;
            }

            begin += length + 1;
        }
    }

    private static void ThrowIfTooLong(string path, long line, int bytes)
    {
        if (bytes >= MaxLineBytes)
        {
            throw new DatasetException(ErrorCodes.DatasetRowNotJson, path, line, 0,
                $"the line is longer than {MaxLineBytes} bytes", "Write one object a line; a JSON array belongs in a .json file");
        }
    }
}
