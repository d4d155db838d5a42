namespace Hieno.Formats.Text;

// The only place where data files are opened: whatever the system reports becomes an error that names the file.
internal static class DataBytes
{
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>Fills the buffer as far as the file reaches; less than all of it means the end of the file.</summary>
    public static int Fill(FileStream stream, Span<byte> buffer)
    {
        try
        {
            return stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            throw Unreadable(stream.Name, e);
        }
    }

    /// <summary>The whole file, at most 2 GB.</summary>
    public static byte[] ReadAll(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    private static DatasetException Unreadable(string path, Exception cause) =>
        new(ErrorCodes.DatasetFileUnreadable, path, 0, 0,
            cause is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : $"the file cannot be read ({cause.Message.TrimEnd('.')})",
            "Check the path and its permissions", cause);
}
