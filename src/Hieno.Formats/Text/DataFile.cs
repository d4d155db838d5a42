namespace Hieno.Formats.Text;

/// <summary>Opens a data file by its extension.</summary>
public static class DataFile
{
    /// <summary>The extensions that can be read, for messages and file dialogs.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt"];

    /// <summary>Reads the rows of a file, one after the other; a <c>.txt</c> file, or a folder of them, gives one row a document.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="onFault">Receives malformed rows, which are left out; null to raise the first. What spoils the whole file is always raised.</param>
    /// <exception cref="DatasetException">The file is absent, malformed or of an unknown kind; raised while reading.</exception>
    public static IEnumerable<DataRow> Read(string path, Action<DatasetException>? onFault = null) =>
        Directory.Exists(path)
            ? PlainText.Read(path)
            : Path.GetExtension(path).ToUpperInvariant() switch
            {
                ".JSONL" or ".NDJSON" => JsonlReader.Read(path, onFault),
                ".JSON" => JsonArrayReader.Read(path, onFault),
                ".CSV" or ".TSV" => CsvReader.Read(path, onFault: onFault),
                ".TXT" => PlainText.Read(path),
                _ => throw new DatasetException(ErrorCodes.DatasetFileUnreadable, path, 0, 0,
                    "the kind of the file is not known", $"Give a file that ends in {string.Join(", ", Extensions)}"),
            };
}
