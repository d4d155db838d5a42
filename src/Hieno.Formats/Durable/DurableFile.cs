using System.Text;

namespace Hieno.Formats.Durable;

/// <summary>Writes single files so that a reader sees the old content or the new, whatever happens in between.</summary>
public static class DurableFile
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes a file beside its final name, then renames it: the old file stays whole until the new one is complete.</summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="sync">Whether the content and the rename must survive a power cut. False where the folder is synced as a whole later.</param>
    /// <exception cref="StorageException">The disk is full, or the system reported an error; the old file is intact.</exception>
    public static void Replace(string path, Action<Stream> write, bool sync = true)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, $".tmp-{Path.GetFileName(path)}-{Guid.NewGuid().ToString("N")[..8]}");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes))
            {
                write(stream);
            }

            if (sync)
            {
                DiskSync.File(temporary);
            }

            File.Move(temporary, path, overwrite: true);
            if (sync)
            {
                DiskSync.Folder(folder);
            }
        }
        catch (Exception e)
        {
            Discard(() => File.Delete(temporary));
            if (e is IOException or UnauthorizedAccessException)
            {
                throw StorageException.From(e, path, "writing the file", "What the file held before is intact");
            }

            throw;
        }
    }

    /// <summary>Replaces a text file, in UTF-8; otherwise as <see cref="Replace"/>.</summary>
    public static void ReplaceText(string path, string text, bool sync = true) =>
        Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)), sync);

    /// <summary>Makes sure that the disk holds what was written to a file; unlike FileStream.Flush(true) it reports an error.</summary>
    /// <exception cref="StorageException">The system reported an error: the content may be lost at a power cut.</exception>
    public static void Sync(string path)
    {
        try
        {
            DiskSync.File(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(e, path, "syncing the file", "Its content may not survive a power cut");
        }
    }

    // Removes what a failed save has left. A second error here would hide the first, and a stray temporary file harms nothing.
    internal static void Discard(Action remove)
    {
        try
        {
            remove();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            System.Diagnostics.Debug.WriteLine(e.Message);
        }
    }
}
