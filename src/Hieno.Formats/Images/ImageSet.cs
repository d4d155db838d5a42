using Hieno.Formats.Images.Sets;
using Hieno.Formats.Text;

namespace Hieno.Formats.Images;

/// <summary>Many pictures with what each of them shows: a folder for each class, a table of paths, or a file of MNIST's or CIFAR's kind.</summary>
public sealed class ImageSet
{
    /// <summary>Makes a set of rows.</summary>
    /// <param name="rows">The pictures, in order.</param>
    /// <param name="files">The files they come from, in order.</param>
    /// <param name="classes">The names of the classes in their own order; null sorts those that the rows have.</param>
    public ImageSet(IReadOnlyList<ImageRow> rows, IReadOnlyList<string> files, IReadOnlyList<string>? classes = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        (Rows, Files) = (rows, files);
        Classes = classes ?? [.. rows.Select(row => row.Label).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The pictures, in an order that depends on the names alone.</summary>
    public IReadOnlyList<ImageRow> Rows { get; }

    /// <summary>The files that the pictures and their labels come from: whose content decides what the set is.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The names of the classes, in the order that the files number them, else sorted by code point.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether <paramref name="path"/> is a set that only holds pictures: a folder with one for each class, an IDX or a CIFAR file; a table may hold anything.</summary>
    /// <param name="path">A file or folder.</param>
    public static bool Recognises(string path) =>
        Directory.Exists(path) ? ImageFolder.Recognises(path) : IdxFile.Recognises(path) || CifarFile.Recognises(path);

    /// <summary>Reads a set, whatever its container.</summary>
    /// <param name="path">
    /// A folder with a folder for each class; a table (.csv, .tsv, .jsonl, .json) with a column of paths; <c>…-images-idx3-ubyte</c>, packed by gzip or not,
    /// with its labels in <c>…-labels-idx1-ubyte</c> beside it; or a <c>.bin</c> of CIFAR.
    /// </param>
    /// <param name="options">Columns and limits; null for the defaults.</param>
    /// <exception cref="ImageException">The folder or file is absent, or not laid out as such a set.</exception>
    /// <exception cref="DatasetException">A row of a table is malformed, or its picture is absent.</exception>
    public static ImageSet Read(string path, ImageSetOptions? options = null)
    {
        options ??= ImageSetOptions.Default;
        return Directory.Exists(path) ? ImageFolder.Read(path)
            : DataFile.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) ? ImageTable.Read(path, options)
            : CifarFile.Recognises(path) ? CifarFile.Read(path, options)
            : IdxFile.Recognises(path) ? IdxFile.ReadImages(path, options.Labels, options.Limits)
            : throw new ImageException(ErrorCodes.ImageFileUnreadable, path,
                File.Exists(path) ? "the file is no set of pictures that is known" : "there is no such file or folder",
                "Give a folder with a folder for each class, a table of paths (.csv, .tsv, .jsonl, .json), an IDX file (…-images-idx3-ubyte, also .gz) or a CIFAR file (.bin)");
    }
}
