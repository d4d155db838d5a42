using System.Globalization;

namespace Hieno.Formats.Durable;

/// <summary>A folder that was found incomplete or damaged.</summary>
/// <param name="Name">The name it had.</param>
/// <param name="RenamedTo">The name it has now, <c>.broken-…</c>, or null when it could not be renamed.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record BrokenFolder(string Name, string? RenamedTo, string Reason);

/// <summary>Saves folders, such as checkpoints, so that each is complete or not there at all, even after a kill or a power cut.</summary>
/// <remarks>
/// A folder is filled under a temporary name, each file is synced, the manifest with sizes and checksums is written last, the folder is synced
/// and renamed, and the parent is synced. Nothing older is touched before that. An fsync that fails fails the save.
/// </remarks>
public static class DurableFolder
{
    /// <summary>The file in the parent that holds the name of the numbered folder saved last.</summary>
    public const string LatestFileName = "latest";

    /// <summary>The fewest complete folders that rotation leaves: if the newest proves damaged, there is one to go back to.</summary>
    public const int FewestKept = 2;

    private const int UniqueLength = 8;
    private const string Temporary = ".tmp-";
    private const string Broken = ".broken-";
    private const string Replaced = ".replaced-"; // an older folder of the same name, until the new one has the name
    private const string RotatedOut = ".old-"; // decided to go, being deleted

    /// <summary>Saves a folder.</summary>
    /// <param name="parent">Where it goes; made when absent.</param>
    /// <param name="name">
    /// Its name. One that ends in digits (<c>checkpoint-00000120</c>) belongs to a series: the file <c>latest</c> will name it, and older ones can be rotated out.
    /// A folder of the same name is replaced.
    /// </param>
    /// <param name="write">Fills the folder.</param>
    /// <param name="keep">How many complete folders of the series to keep, at least <see cref="FewestKept"/>; 0 keeps all. The ones with the lowest numbers go.</param>
    /// <returns>The path of the folder.</returns>
    /// <exception cref="ArgumentException">The name is not a plain one, or begins with a full stop.</exception>
    /// <exception cref="StorageException">The disk is full or the system reported an error; what was saved earlier is intact.</exception>
    public static string Save(string parent, string name, Action<FolderWriter> write, int keep = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(keep);
        if (!FolderManifest.IsInside(name) || name.Contains('/', StringComparison.Ordinal) || name[0] == '.')
        {
            throw new ArgumentException($"'{name}' is no name for a folder: give a plain one that does not begin with a full stop.", nameof(name));
        }

        string target = Path.Combine(parent, name);
        string temporary = Path.Combine(parent, Unique(Temporary, name));
        try
        {
            MakeParent(parent);
            Directory.CreateDirectory(temporary);
            write(new FolderWriter(temporary));
            Complete(temporary);
            MoveInto(target, temporary);
            DiskSync.Folder(parent);
        }
        catch (Exception e)
        {
            DurableFile.Discard(() => DeleteIfThere(temporary));
            if (e is IOException or UnauthorizedAccessException)
            {
                throw StorageException.From(e, target, "saving the folder", "What was saved earlier is intact");
            }

            throw;
        }

        string prefix = PrefixOf(name);
        if (prefix.Length < name.Length)
        {
            DurableFile.ReplaceText(Path.Combine(parent, LatestFileName), name + "\n");
            Rotate(parent, prefix, keep);
        }

        return target;
    }

    /// <summary>Finds the complete folder with the highest number whose content is what its manifest says.</summary>
    /// <param name="parent">Where the folders are; it may be absent.</param>
    /// <param name="prefix">What stands before the number, e.g. <c>checkpoint-</c>.</param>
    /// <param name="broken">
    /// Newer folders that are incomplete or damaged, and what interrupted saves have left. They are renamed to <c>.broken-…</c>, never deleted:
    /// tell the user about them. No save may be running in the parent meanwhile.
    /// </param>
    /// <returns>The path of the folder, or null when there is none.</returns>
    public static string? FindNewest(string parent, string prefix, out IReadOnlyList<BrokenFolder> broken)
    {
        var found = new List<BrokenFolder>();
        broken = found;
        if (!Directory.Exists(parent))
        {
            return null;
        }

        FinishInterrupted(parent, prefix);
        foreach (string path in Directory.GetDirectories(parent, Temporary + prefix + "*"))
        {
            found.Add(SetAside(parent, Path.GetFileName(path), "the save that filled it was interrupted"));
        }

        foreach (string name in Series(parent, prefix).Reverse())
        {
            string path = Path.Combine(parent, name);
            if (Fault(path) is not { } fault)
            {
                return path;
            }

            found.Add(SetAside(parent, name, fault));
        }

        return null;
    }

    /// <summary>Compares a saved folder with its manifest, byte for byte.</summary>
    /// <returns>What is wrong with it, or null when all is well. Files that the manifest does not list are ignored.</returns>
    public static string? Fault(string folder) => FolderManifest.Fault(folder, content: true);

    private static void MakeParent(string parent)
    {
        if (!Directory.Exists(parent))
        {
            Directory.CreateDirectory(parent);
            DiskSync.Folder(Path.GetDirectoryName(Path.GetFullPath(parent)) ?? parent);
        }
    }

    private static void Complete(string folder)
    {
        foreach (string path in FolderManifest.FilesOf(folder))
        {
            DiskSync.File(path);
        }

        FolderManifest.Write(folder);
        DiskSync.File(Path.Combine(folder, FolderManifest.FileName));
        foreach (string subfolder in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories))
        {
            DiskSync.Folder(subfolder);
        }

        DiskSync.Folder(folder);
    }

    // A folder that is not empty cannot be renamed over, so an older one of the name steps aside first, and back if that fails.
    private static void MoveInto(string target, string temporary)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(temporary, target);
            return;
        }

        string aside = Path.Combine(Path.GetDirectoryName(target)!, Unique(Replaced, Path.GetFileName(target)));
        Directory.Move(target, aside);
        try
        {
            Directory.Move(temporary, target);
        }
        catch
        {
            Directory.Move(aside, target);
            throw;
        }

        DurableFile.Discard(() => Directory.Delete(aside, recursive: true));
    }

    // Ends what a kill interrupted after the new folder was complete: deletions go on, and a folder that had stepped aside
    // for one that never arrived gets its name back. Where that fails, nothing is lost: the next call tries again.
    private static void FinishInterrupted(string parent, string prefix)
    {
        foreach (string old in Directory.GetDirectories(parent, RotatedOut + prefix + "*"))
        {
            DurableFile.Discard(() => Directory.Delete(old, recursive: true));
        }

        foreach (string aside in Directory.GetDirectories(parent, Replaced + prefix + "*"))
        {
            string name = Path.GetFileName(aside)[Replaced.Length..];
            string target = Path.Combine(parent, name[..Math.Max(0, name.Length - UniqueLength - 1)]);
            DurableFile.Discard(() =>
            {
                if (Directory.Exists(target))
                {
                    Directory.Delete(aside, recursive: true);
                }
                else
                {
                    Directory.Move(aside, target);
                }
            });
        }

        foreach (string pointer in Directory.GetFiles(parent, Temporary + LatestFileName + "-*"))
        {
            DurableFile.Discard(() => File.Delete(pointer));
        }
    }

    private static void Rotate(string parent, string prefix, int keep)
    {
        if (keep == 0)
        {
            return;
        }

        // Only folders that look complete count as kept: a damaged one must not push out the one to go back to.
        string[] complete = [.. Series(parent, prefix).Where(name => FolderManifest.Fault(Path.Combine(parent, name), content: false) is null)];
        foreach (string name in complete.SkipLast(Math.Max(keep, FewestKept)))
        {
            try
            {
                // Renamed first, so that a kill in the middle of the deletion leaves no half folder under a checkpoint's name.
                string aside = Path.Combine(parent, Unique(RotatedOut, name));
                Directory.Move(Path.Combine(parent, name), aside);
                Directory.Delete(aside, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw StorageException.From(e, Path.Combine(parent, name), "removing the old folder", "The new one is saved");
            }
        }
    }

    // Names of the series by ascending number.
    private static IEnumerable<string> Series(string parent, string prefix) =>
        Directory.EnumerateDirectories(parent, prefix + "*")
            .Select(path => Path.GetFileName(path)!)
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && NumberAfter(prefix, name) >= 0)
            .OrderBy(name => NumberAfter(prefix, name))
            .ThenBy(name => name, StringComparer.Ordinal);

    private static long NumberAfter(string prefix, string name) =>
        long.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1;

    private static string PrefixOf(string name) => name.TrimEnd("0123456789".ToCharArray());

    private static BrokenFolder SetAside(string parent, string name, string reason)
    {
        string renamed = Unique(Broken, name.StartsWith(Temporary, StringComparison.Ordinal) ? name[Temporary.Length..] : name);
        try
        {
            Directory.Move(Path.Combine(parent, name), Path.Combine(parent, renamed));
            return new BrokenFolder(name, renamed, reason);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new BrokenFolder(name, RenamedTo: null, $"{reason}; it cannot be renamed ({e.Message.TrimEnd('.')})");
        }
    }

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Unique(string mark, string name) => $"{mark}{name}-{Guid.NewGuid().ToString("N")[..UniqueLength]}";
}
