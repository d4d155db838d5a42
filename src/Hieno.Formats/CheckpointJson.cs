using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Hieno.Formats.Durable;

namespace Hieno.Formats;

// The JSON files that lie beside weights: config.json, the index of shards, adapter_config.json.
internal static class CheckpointJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>Indented by two spaces, text outside ASCII left as it is: what other libraries write and people read.</summary>
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a file that holds one JSON object, without duplicate keys.</summary>
    /// <exception cref="CheckpointException">The file is absent, unreadable, not JSON, or not an object.</exception>
    public static JsonDocument ReadObject(string path)
    {
        JsonDocument? document = null;
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            if (!Utf8.IsValid(bytes))
            {
                throw NotJson(path, "it is not valid UTF-8", inner: null);
            }

            document = JsonDocument.Parse(bytes, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                TouchStrings(document.RootElement);
                return document;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string fact = e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : $"the file cannot be read ({e.Message.TrimEnd('.')})";
            throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, path, fact, "Check the path and its permissions", e);
        }
        catch (JsonException e)
        {
            throw NotJson(path, $"it is not valid JSON: {e.Message.TrimEnd('.')}", e);
        }
        catch (InvalidOperationException e)
        {
            document?.Dispose();
            throw NotJson(path, "it holds a string that is not valid Unicode", e);
        }

        document.Dispose();
        throw NotJson(path, "it does not hold a JSON object", inner: null);
    }

    /// <summary>Writes or replaces a file as a whole, with a line end after the last brace.</summary>
    public static void Write(string path, Action<Utf8JsonWriter> write) =>
        DurableFile.Replace(
            path,
            stream =>
            {
                using (var json = new Utf8JsonWriter(stream, Indented))
                {
                    write(json);
                }

                stream.WriteByte((byte)'\n');
            },
            sync: false);

    // Strings are decoded when asked for, and half a surrogate pair (\ud800) raises InvalidOperationException only then:
    // ask for each once, here, so that no reader of the document meets it later.
    private static void TouchStrings(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    TouchStrings(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    _ = property.Name;
                    TouchStrings(property.Value);
                }

                break;
        }
    }

    private static CheckpointException NotJson(string path, string fact, Exception? inner) =>
        new(ErrorCodes.CheckpointNotJson, path, fact, "Fetch or write the file again", inner);
}
