using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hieno.Formats.Text;

// Parses one JSON object that stands somewhere in a file, with errors that name the line and byte in that file.
internal readonly struct JsonRow(string file, long line, long column)
{
    private const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    // What System.Text.Json can escape into one string; longer text would raise ArgumentException there.
    private const int MaxTextLength = 1 << 27;

    private static readonly JsonWriterOptions AsIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Makes a row of text columns.</summary>
    public static DataRow OfText(IReadOnlyList<string> columns, IReadOnlyList<string> values, string file, long line)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, AsIs))
        {
            json.WriteStartObject();
            for (int i = 0; i < values.Count; i++)
            {
                if (values[i].Length > MaxTextLength)
                {
                    throw new DatasetException(ErrorCodes.DatasetRowInvalid, file, line, 0,
                        $"'{columns[i]}' has {values[i].Length} characters, the limit is {MaxTextLength}", "Cut the text into several rows");
                }

                json.WriteString(columns[i], values[i]);
            }

            json.WriteEndObject();
        }

        return new DataRow(JsonElement.Parse(buffer.WrittenSpan), file, line);
    }

    /// <summary>Parses the row.</summary>
    /// <param name="utf8">The bytes of the row.</param>
    /// <param name="cutOff">True where the file ends without a line end after this row, so that it may be incomplete.</param>
    public DataRow Parse(ReadOnlySpan<byte> utf8, bool cutOff)
    {
        Utf8Check.ThrowIfInvalid(utf8, file, line, column);
        JsonElement json;
        try
        {
            json = JsonElement.Parse(utf8, Strict);
            if (utf8.IndexOf("\\u"u8) >= 0)
            {
                FindFault(utf8, cutOff); // an escape may spell half a surrogate pair, which the parser does not look at
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            FindFault(utf8, cutOff);
            throw At(ErrorCodes.DatasetRowNotJson, 0, 0, "the row is not valid JSON: " + e.Message, "Correct the row", e);
        }

        return json.ValueKind == JsonValueKind.Object
            ? new DataRow(json, file, line)
            : throw At(ErrorCodes.DatasetRowNotJson, 0, 0, $"the row is a JSON {json.ValueKind.ToString().ToLower(CultureInfo.InvariantCulture)}, expected an object", "Write each row as {…}");
    }

    // Raises an error at the exact byte: for malformed JSON, for a key that occurs twice in one object (which the parser reports
    // without a position), and for half a surrogate pair such as \ud800 (which it does not report at all).
    private void FindFault(ReadOnlySpan<byte> utf8, bool cutOff)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        var keys = new Stack<HashSet<string>>(); // of the objects that are open
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartObject:
                        keys.Push(new HashSet<string>(StringComparer.Ordinal));
                        break;
                    case JsonTokenType.EndObject:
                        keys.Pop();
                        break;
                    case JsonTokenType.PropertyName:
                        string name = Text(ref reader, utf8);
                        if (!keys.Peek().Add(name))
                        {
                            throw AtOffset(ErrorCodes.DatasetDuplicateColumn, utf8, reader.TokenStartIndex, $"'{name}' occurs twice in one object", "Keep one of them");
                        }

                        break;
                    case JsonTokenType.String when reader.ValueIsEscaped:
                        Text(ref reader, utf8);
                        break;
                }
            }
        }
        catch (JsonException e)
        {
            throw At(ErrorCodes.DatasetRowNotJson, e.LineNumber ?? 0, e.BytePositionInLine ?? 0,
                (cutOff ? "the last line is cut off or not valid JSON: " : "the row is not valid JSON: ") + FirstSentence(e.Message),
                "Correct the row", e);
        }
    }

    private string Text(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw AtOffset(ErrorCodes.DatasetRowNotJson, utf8, reader.TokenStartIndex, "the string holds half a surrogate pair, which is no character", "Correct the \\u escape", e);
        }
    }

    private DatasetException AtOffset(string code, ReadOnlySpan<byte> utf8, long offset, string fact, string advice, Exception? inner = null)
    {
        var before = utf8[..(int)offset];
        return At(code, before.Count((byte)'\n'), before.Length - 1 - before.LastIndexOf((byte)'\n'), fact, advice, inner);
    }

    // Line and byte are counted from 0 at the start of the row; a first line continues the line the row stands in.
    private DatasetException At(string code, long lineInRow, long byteInLine, string fact, string advice, Exception? inner = null) =>
        new(code, file, line + lineInRow, lineInRow == 0 ? column + byteInLine : byteInLine + 1, fact, advice, inner);

    // The parser's message ends with its own position, which counts from the start of the row.
    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
