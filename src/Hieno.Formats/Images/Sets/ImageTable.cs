using System.Text.Json;
using Hieno.Formats.Text;

namespace Hieno.Formats.Images.Sets;

/// <summary>A table (.csv, .tsv, .jsonl, .json) with a column of paths to pictures, relative to the table's own folder, and one of labels or numbers.</summary>
public static class ImageTable
{
    /// <summary>The names that a column of paths may have unless one is given.</summary>
    public static IReadOnlyList<string> ImageColumns { get; } = ["image", "file_name", "path", "file", "filename"];

    /// <summary>The names that a column of labels may have unless one is given.</summary>
    public static IReadOnlyList<string> LabelColumns { get; } = ["label", "category", "class", "target"];

    /// <summary>Reads the table; pictures are read when they are asked for.</summary>
    /// <param name="path">The table.</param>
    /// <param name="options">The columns; null for the defaults.</param>
    /// <param name="onFault">Receives rows that are malformed, have no path, or name a picture that is absent, and which are left out; null to raise the first.</param>
    /// <exception cref="DatasetException">A row is malformed, has no path, or names a picture that is absent; or none is left.</exception>
    public static ImageSet Read(string path, ImageSetOptions? options = null, Action<DatasetException>? onFault = null)
    {
        options ??= ImageSetOptions.Default;
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        List<ImageRow> rows = [];
        List<string> files = [path];
        foreach (DataRow row in DataFile.Read(path, onFault))
        {
            try
            {
                ImageRow picture = Row(row, folder, options);
                files.Add(picture.Source);
                rows.Add(picture);
            }
            catch (DatasetException fault) when (onFault is not null)
            {
                onFault(fault);
            }
        }

        return rows.Count > 0
            ? new ImageSet(rows, files)
            : throw new DatasetException(ErrorCodes.DatasetEmpty, path, 0, 0, "there are no rows", "Give a file with at least one row");
    }

    /// <summary>Whether the first row of a table names a picture: text data is kept in such files as well.</summary>
    /// <param name="path">The table.</param>
    public static bool Recognises(string path) =>
        File.Exists(path)
        && DataFile.Read(path, _ => { }).FirstOrDefault() is { } row
        && ImageColumns.Any(name => row.TryGet(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            && ImageFile.Extensions.Contains(Path.GetExtension(value.GetString()), StringComparer.OrdinalIgnoreCase));

    private static ImageRow Row(DataRow row, string folder, ImageSetOptions options)
    {
        string column = options.ImageColumn ?? ImageColumns.FirstOrDefault(name => row.TryGet(name, out _)) ?? ImageColumns[0];
        string named = row.Text(column);
        string file = Path.Combine(folder, named);
        return File.Exists(file)
            ? new ImageRow(file, LabelOf(row, options.LabelColumn), limits => ImageFile.Read(file, limits))
            : throw row.Error(ErrorCodes.DatasetRowInvalid, $"there is no picture '{named}' in {folder}", "Correct the path; it is relative to the table's folder");
    }

    private static string? LabelOf(DataRow row, string? column)
    {
        column ??= LabelColumns.FirstOrDefault(name => row.TryGet(name, out _));
        return column is null ? null
            : row.Require(column) is { ValueKind: JsonValueKind.Number } number ? number.GetRawText()
            : row.Text(column);
    }
}
