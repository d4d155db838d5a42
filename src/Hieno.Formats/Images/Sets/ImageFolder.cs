namespace Hieno.Formats.Images.Sets;

/// <summary>A folder of pictures with one folder for each class, whose name is the label.</summary>
/// <remarks>
/// Pictures lie directly in their class's folder. What else lies there is an error, as it would otherwise be missing from training without a word; only
/// names that begin with a point, and what Windows adds (Thumbs.db, desktop.ini), are passed over.
/// </remarks>
public static class ImageFolder
{
    private static readonly string[] s_ofTheSystem = ["Thumbs.db", "desktop.ini"];

    /// <summary>Whether a folder holds folders of pictures.</summary>
    /// <param name="path">The folder.</param>
    public static bool Recognises(string path) => Directory.Exists(path) && Folders(path).Any(folder => Files(folder).Any(IsPicture));

    /// <summary>Reads the names; pictures are read when they are asked for.</summary>
    /// <param name="path">The folder that holds the classes' folders.</param>
    /// <returns>Sorted by class and by name.</returns>
    /// <exception cref="ImageException">It is absent, has no class, or one of the classes is empty or holds something else.</exception>
    public static ImageSet Read(string path)
    {
        string[] classes = Listed(path, Folders);
        string[] beside = Files(path);
        if (classes.Length == 0)
        {
            throw Invalid(path, beside.Length == 0 ? "the folder is empty" : $"there is no folder for a class, only {Counted(beside.Length, "file")} such as '{Path.GetFileName(beside[0])}'",
                "Make a folder for each class and put its pictures there, or give a table of paths and labels");
        }

        if (beside.FirstOrDefault(IsPicture) is { } stray)
        {
            throw Invalid(path, $"the picture '{Path.GetFileName(stray)}' lies beside the folders of {Counted(classes.Length, "class")}", "Put it into the folder of its class");
        }

        List<ImageRow> rows = [.. classes.SelectMany(ReadClass)];
        return new ImageSet(rows, [.. rows.Select(row => row.Source)], [.. classes.Select(folder => Path.GetFileName(folder))]);
    }

    /// <summary>All pictures in a folder and the folders in it, without labels: for pictures to describe or to compare, not to learn from.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>Sorted by name.</returns>
    /// <exception cref="ImageException">It is absent, or holds no picture.</exception>
    public static ImageSet ReadUnlabelled(string path)
    {
        List<string> files = [];
        Collect(path, files);
        return files.Count > 0
            ? new ImageSet([.. files.Select(file => Row(file, null))], files, [])
            : throw Invalid(path, "neither the folder nor a folder in it holds a picture", $"Give a folder of pictures ({string.Join(", ", ImageFile.Extensions)})");
    }

    private static IEnumerable<ImageRow> ReadClass(string folder)
    {
        if (Folders(folder).FirstOrDefault() is { } nested)
        {
            throw Invalid(folder, $"the class '{Path.GetFileName(folder)}' holds a folder '{Path.GetFileName(nested)}'",
                "Give the folder right above the classes, and put the pictures directly into their class's folder");
        }

        string[] files = Files(folder);
        if (files.Length == 0)
        {
            throw Invalid(folder, $"the class '{Path.GetFileName(folder)}' has no picture", "Put its pictures there, or remove the folder");
        }

        return Array.Find(files, file => !IsPicture(file)) is { } other
            ? throw Invalid(folder, $"'{Path.GetFileName(other)}' is no picture that can be read ({string.Join(", ", ImageFile.Extensions)})", "Convert it to PNG or JPEG, or take it out of the folder")
            : files.Select(file => Row(file, Path.GetFileName(folder)));
    }

    private static ImageRow Row(string file, string? label) => new(file, label, options => ImageFile.Read(file, options));

    private static void Collect(string folder, List<string> files)
    {
        files.AddRange(Listed(folder, Files).Where(IsPicture));
        foreach (string nested in Folders(folder).Where(nested => !File.GetAttributes(nested).HasFlag(FileAttributes.ReparsePoint))) // a link may lead back up
        {
            Collect(nested, files);
        }
    }

    private static string[] Listed(string path, Func<string, string[]> list)
    {
        try
        {
            return list(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(ErrorCodes.ImageFileUnreadable, path, $"the folder cannot be opened ({error.Message.TrimEnd('.')})", "Check the path, and that the folder may be read", error);
        }
    }

    private static string[] Folders(string path) => Sorted(Directory.EnumerateDirectories(path));

    private static string[] Files(string path) => Sorted(Directory.EnumerateFiles(path));

    private static string[] Sorted(IEnumerable<string> paths) =>
        [.. paths.Where(path => Path.GetFileName(path)[0] != '.' && !s_ofTheSystem.Contains(Path.GetFileName(path), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];

    private static bool IsPicture(string path) => ImageFile.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    private static string Counted(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}{(what.EndsWith('s') ? "es" : "s")}";

    private static ImageException Invalid(string path, string fact, string advice) => new(ErrorCodes.ImageFolderInvalid, path, fact, advice);
}
