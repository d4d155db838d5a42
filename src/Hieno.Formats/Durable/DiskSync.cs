using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hieno.Formats.Durable;

// Makes the disk, not only the page cache, hold a file or the entries of a folder.
// .NET's own FileStream.Flush(true) ignores what fsync returns on Linux, and it cannot open a folder; so the system is called directly,
// and a failed fsync is an error: the kernel may have dropped the pages, and a second fsync would then report success.
internal static partial class DiskSync
{
    private const int ReadOnly = 0;
    private const int InterruptedError = 4; // EINTR
    private const int FullSync = 51; // F_FULLFSYNC of macOS, whose fsync leaves data in the drive's cache

    private static readonly int CloseOnExec = OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;

    /// <summary>Syncs a file.</summary>
    /// <exception cref="IOException">The system reported an error.</exception>
    public static void File(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            using var handle = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            if (!FlushFileBuffers(handle))
            {
                throw StorageException.LastSystemError("FlushFileBuffers");
            }
        }
        else
        {
            Unix(path);
        }
    }

    /// <summary>Syncs the entries of a folder, so that a file created or renamed in it is still there after a power cut.</summary>
    /// <exception cref="IOException">The system reported an error.</exception>
    public static void Folder(string path)
    {
        // NTFS writes its directory changes through a journal and offers no such call.
        if (!OperatingSystem.IsWindows())
        {
            Unix(path);
        }
    }

    private static void Unix(string path)
    {
        int descriptor;
        while ((descriptor = Open(path, ReadOnly | CloseOnExec)) < 0)
        {
            ThrowUnlessInterrupted("open");
        }

        try
        {
            while ((OperatingSystem.IsMacOS() ? Fcntl(descriptor, FullSync) : Fsync(descriptor)) < 0)
            {
                ThrowUnlessInterrupted("fsync");
            }
        }
        finally
        {
            _ = Close(descriptor); // nothing was written through it, so there is nothing it could report
        }
    }

    private static void ThrowUnlessInterrupted(string call)
    {
        if (Marshal.GetLastPInvokeError() != InterruptedError)
        {
            throw StorageException.LastSystemError(call);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("kernel32", EntryPoint = "FlushFileBuffers", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle handle);
}
