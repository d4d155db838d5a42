using System.Text.Json;

namespace Hieno.Formats.Text;

/// <summary>Reads a <c>.json</c> file that holds an array of objects.</summary>
/// <remarks>A file that begins with <c>{</c> is read as JSON lines, since many data sets carry the wrong extension.</remarks>
public static class JsonArrayReader
{
    /// <summary>Reads the rows; the whole file (at most 2 GB) is held in memory while they are read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onFault">Receives malformed rows, which are left out; null to raise the first. A file that is no array is always raised.</param>
    /// <exception cref="DatasetException">The file is absent or malformed; raised while reading, with line and byte.</exception>
    public static IEnumerable<DataRow> Read(string path, Action<DatasetException>? onFault = null)
    {
        byte[] bytes = DataBytes.ReadAll(path);
        int begin = bytes.AsSpan().StartsWith(Utf8Check.ByteOrderMark) ? 3 : 0;
        int first = bytes.AsSpan(begin).IndexOfAnyExcept(" \t\r\n"u8);
        if (first >= 0 && bytes[begin + first] == (byte)'{')
        {
            return JsonlReader.Read(path, onFault);
        }

        Utf8Check.ThrowIfInvalid(bytes.AsSpan(begin), path, 1, 1 + begin);
        return Rows(path, bytes, Elements(path, bytes, begin), onFault);
    }

    private static IEnumerable<DataRow> Rows(string path, byte[] bytes, List<Range> elements, Action<DatasetException>? onFault)
    {
        long line = 1;
        int lineStart = 0, counted = 0; // the file up to 'counted' has been searched for line ends
        foreach (var element in elements)
        {
            int start = element.Start.Value;
            var passed = bytes.AsSpan(counted, start - counted);
            int lineEnds = passed.Count((byte)'\n');
            if (lineEnds > 0)
            {
                line += lineEnds;
                lineStart = counted + passed.LastIndexOf((byte)'\n') + 1;
            }

            counted = start;
            DataRow? row = null;
            try
            {
                row = new JsonRow(path, line, start - lineStart + 1).Parse(bytes.AsSpan(element), cutOff: false);
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
    }

    // Where each element of the array begins and ends; the elements themselves are parsed one by one.
    private static List<Range> Elements(string path, byte[] bytes, int begin)
    {
        var elements = new List<Range>();
        var reader = new Utf8JsonReader(bytes.AsSpan(begin), new JsonReaderOptions { MaxDepth = 66 });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                throw new DatasetException(ErrorCodes.DatasetRowNotJson, path, 1, 0, "the file does not hold a JSON array", "Write the rows as [{…}, {…}], or one a line in a .jsonl file");
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                int start = begin + (int)reader.TokenStartIndex;
                reader.Skip();
                elements.Add(start..(begin + (int)reader.BytesConsumed));
            }

            reader.Read(); // raises an error for anything but white space after the array
        }
        catch (JsonException e)
        {
            long line = e.LineNumber ?? 0;
            throw new DatasetException(ErrorCodes.DatasetRowNotJson, path, line + 1, (e.BytePositionInLine ?? 0) + 1 + (line == 0 ? begin : 0),
                "the file is not valid JSON here, or ends before its array does", "Correct the file", e);
        }

        return elements;
    }
}
