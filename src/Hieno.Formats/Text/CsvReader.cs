using System.Buffers;
using System.Text;

namespace Hieno.Formats.Text;

/// <summary>Settings of <see cref="CsvReader"/>.</summary>
public sealed record CsvOptions
{
    /// <summary>The ASCII character between fields. Default: a tab for <c>.tsv</c>, else a comma.</summary>
    public char? Delimiter { get; init; }

    /// <summary>Names of the columns of a file without a header row. Default: null, the first row names them.</summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>Whether a field that begins with a double quote is a quoted one. Default true; false for files that use no quoting.</summary>
    public bool Quotes { get; init; } = true;
}

/// <summary>Reads comma- or tab-separated values after RFC 4180: quoted fields may hold delimiters, doubled quotes and line ends.</summary>
/// <remarks>Every row must have as many fields as there are columns. Every value is text. Byte order mark, CRLF and empty lines are accepted.</remarks>
public static class CsvReader
{
    /// <summary>Reads the rows one after the other; memory holds one row at a time.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Delimiter, columns and quoting, or null for the defaults.</param>
    /// <param name="onFault">Receives rows with too few or too many fields, which are left out; null to raise the first. A quote out of place is always raised.</param>
    /// <exception cref="DatasetException">The file is absent or malformed; raised while reading, with line and byte.</exception>
    /// <exception cref="ArgumentException">The delimiter is a quote, a line end or not ASCII.</exception>
    public static IEnumerable<DataRow> Read(string path, CsvOptions? options = null, Action<DatasetException>? onFault = null)
    {
        options ??= new CsvOptions();
        char delimiter = options.Delimiter ?? (path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : ',');
        if (!char.IsAscii(delimiter) || delimiter is '"' or '\r' or '\n')
        {
            throw new ArgumentException($"The delimiter is U+{(int)delimiter:X4}; it must be an ASCII character other than a quote or a line end.", nameof(options));
        }

        return Rows(path, (byte)delimiter, options, onFault);
    }

    private static IEnumerable<DataRow> Rows(string path, byte delimiter, CsvOptions options, Action<DatasetException>? onFault)
    {
        using var bytes = new ByteSource(path);
        var parser = new RecordParser(bytes, delimiter, options.Quotes);
        var columns = options.Columns;
        if (columns is null)
        {
            columns = parser.Next() ?? throw new DatasetException(ErrorCodes.DatasetEmpty, path, 0, 0, "the file is empty, not even a header row is there", "Give a file with rows");
        }

        CheckColumns(path, columns, parser.Line);
        while (parser.Next() is { } fields)
        {
            if (fields.Count != columns.Count)
            {
                var fault = new DatasetException(ErrorCodes.DatasetRaggedRow, path, parser.Line, 0,
                    $"the row has {fields.Count} fields, there are {columns.Count} columns ({string.Join(", ", columns)})",
                    "Quote fields that hold the delimiter, or complete the row");
                if (onFault is null)
                {
                    throw fault;
                }

                onFault(fault);
                continue;
            }

            yield return JsonRow.OfText(columns, fields, path, parser.Line);
        }
    }

    private static void CheckColumns(string path, IReadOnlyList<string> columns, long line)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string column in columns)
        {
            if (!seen.Add(column))
            {
                throw new DatasetException(ErrorCodes.DatasetDuplicateColumn, path, line, 0, $"two columns are called '{column}'", "Rename one of them");
            }
        }
    }

    // All characters with a meaning are ASCII, and a byte below 0x80 is never part of a longer UTF-8 sequence,
    // so the file is split as bytes and each field is checked and decoded afterwards.
    private sealed class RecordParser(ByteSource source, byte delimiter, bool quotes)
    {
        private const int MaxFieldBytes = 1 << 26;

        private readonly ArrayBufferWriter<byte> _field = new();

        /// <summary>The line at which the record that was read last begins.</summary>
        public long Line { get; private set; } = 1;

        /// <summary>The fields of the next record that is not an empty line, or null at the end of the file.</summary>
        public List<string>? Next()
        {
            while (source.Peek() is '\r' or '\n' && SkipLineEnd())
            {
            }

            if (source.Peek() < 0)
            {
                return null;
            }

            Line = source.Line;
            var fields = new List<string>();
            while (true)
            {
                fields.Add(quotes && source.Peek() == '"' ? Quoted() : Plain());
                if (source.Peek() != delimiter)
                {
                    SkipLineEnd();
                    return fields;
                }

                source.Next();
            }
        }

        private string Plain()
        {
            var (line, column) = (source.Line, source.Column);
            for (int b = source.Peek(); b >= 0 && b != delimiter && !AtLineEnd(b); b = source.Peek())
            {
                Append(line, column);
            }

            return Decode(line, column);
        }

        private string Quoted()
        {
            var (line, column) = (source.Line, source.Column);
            source.Next();
            while (true)
            {
                if (source.Peek() < 0)
                {
                    throw new DatasetException(ErrorCodes.DatasetQuoteInvalid, source.Path, line, column, "the quote opened here is never closed", "Close it, or double a quote that belongs to the text");
                }

                if (source.Peek() == '"')
                {
                    source.Next();
                    if (source.Peek() != '"')
                    {
                        break;
                    }
                }

                Append(line, column);
            }

            int next = source.Peek();
            return next < 0 || next == delimiter || AtLineEnd(next)
                ? Decode(line, column + 1)
                : throw new DatasetException(ErrorCodes.DatasetQuoteInvalid, source.Path, source.Line, source.Column, "there is text after the closing quote of a field", "Double a quote that belongs to the text");
        }

        private void Append(long line, long column)
        {
            if (_field.WrittenCount >= MaxFieldBytes)
            {
                throw new DatasetException(ErrorCodes.DatasetQuoteInvalid, source.Path, line, column, $"the field that begins here is longer than {MaxFieldBytes} bytes", "Look for a quote that is not closed");
            }

            _field.GetSpan(1)[0] = (byte)source.Next();
            _field.Advance(1);
        }

        private string Decode(long line, long column)
        {
            Utf8Check.ThrowIfInvalid(_field.WrittenSpan, source.Path, line, column);
            string text = Encoding.UTF8.GetString(_field.WrittenSpan);
            _field.ResetWrittenCount();
            return text;
        }

        // A carriage return that no line feed follows belongs to the text.
        private bool AtLineEnd(int b) => b == '\n' || (b == '\r' && source.PeekSecond() == '\n');

        private bool SkipLineEnd()
        {
            if (!AtLineEnd(source.Peek()))
            {
                return false;
            }

            if (source.Next() == '\r')
            {
                source.Next();
            }

            return true;
        }
    }
}
