using System.Text;

namespace Hieno.Formats.Durable;

/// <summary>A folder that is being filled; it gets its name only when all is on the disk. See <see cref="DurableFolder.Save"/>.</summary>
public sealed class FolderWriter
{
    private const int BufferBytes = 1 << 20;

    internal FolderWriter(string folder)
    {
        Folder = folder;
    }

    /// <summary>The temporary folder. Files may also be put here by other means; all of them are synced and listed in the manifest.</summary>
    public string Folder { get; }

    /// <summary>Writes one file.</summary>
    /// <param name="name">A file name, or a relative path with forward slashes, whose folders are made.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="ArgumentException">The name leaves the folder, or is the manifest's.</exception>
    /// <exception cref="IOException">The file exists already or cannot be written.</exception>
    public void Write(string name, Action<Stream> write)
    {
        string path = PathOf(name);
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes);
        write(stream);
    }

    /// <summary>Writes one text file, in UTF-8; otherwise as <see cref="Write"/>.</summary>
    public void WriteText(string name, string text) => Write(name, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>The path a file of this name has while the folder is being filled; its folder is made.</summary>
    /// <exception cref="ArgumentException">The name leaves the folder, or is the manifest's.</exception>
    public string PathOf(string name)
    {
        if (!FolderManifest.IsInside(name) || string.Equals(name, FolderManifest.FileName, StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' cannot be written: give a relative path inside the folder, other than {FolderManifest.FileName}.", nameof(name));
        }

        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }
}
