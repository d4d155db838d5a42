using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Sets;
using Hieno.Formats.Text;

namespace Hieno.Data;

/// <summary>Sets of pictures as rows: tables keep all of their columns, other sets are given a column <c>image</c> and one <c>label</c>.</summary>
internal static class PictureRows
{
    /// <summary>The column that folders, IDX and CIFAR files are given for their labels.</summary>
    private const string LabelColumn = "label";

    private const string ImageColumn = "image";

    /// <summary>Reads a set.</summary>
    /// <param name="path">A table of paths, a folder of class folders, an IDX or a CIFAR file.</param>
    /// <param name="options">Columns.</param>
    /// <returns>The rows, and the files that they come from.</returns>
    /// <exception cref="HienoException">It is absent or malformed.</exception>
    public static (List<DataRow> Rows, IReadOnlyList<string> Files) Read(string path, DataOptions options)
    {
        bool isTable = !Directory.Exists(path) && DataFile.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);
        (List<DataRow> rows, IReadOnlyList<string> files) = isTable ? ReadTable(path, options) : ReadSet(path, options);
        return rows.Count > 0 ? (rows, files) : throw new DatasetException(ErrorCodes.DatasetEmpty, path, 0, 0, "there are no rows", "Give a file with at least one row");
    }

    // A row whose picture is absent is reported when it is encoded, with all others.
    private static (List<DataRow> Rows, IReadOnlyList<string> Files) ReadTable(string path, DataOptions options)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var rows = new List<DataRow>();
        var files = new List<string> { path };
        foreach (DataRow row in DataFile.Read(path))
        {
            string? column = options.ImageColumn ?? ImageTable.ImageColumns.FirstOrDefault(name => row.TryGet(name, out _));
            if (column is null || !row.TryGet(column, out JsonElement value) || value.ValueKind != JsonValueKind.String)
            {
                rows.Add(row);
                continue;
            }

            string file = Path.Combine(folder, value.GetString()!);
            rows.Add(new DataRow(row.Json, row.File, row.Line) { Picture = new ImageRow(file, null, limits => ImageFile.Read(file, limits)) });
            if (File.Exists(file))
            {
                files.Add(file);
            }
        }

        return (rows, files);
    }

    private static (List<DataRow> Rows, IReadOnlyList<string> Files) ReadSet(string path, DataOptions options)
    {
        ImageSet set = ImageSet.Read(path, new ImageSetOptions { CoarseLabels = options.CoarseLabels });
        return ([.. set.Rows.Select(row => new DataRow(JsonOf(row), row.Source, 0) { Picture = row })], set.Files);
    }

    private static JsonElement JsonOf(ImageRow row) => JsonSerializer.SerializeToElement(row.Label is { } label
        ? new JsonObject { [ImageColumn] = row.Source, [LabelColumn] = label }
        : new JsonObject { [ImageColumn] = row.Source });
}
