using System.Runtime.InteropServices;

namespace Hieno.Formats.Durable;

/// <summary>The disk is full, or the system reported an error while something was being stored.</summary>
public sealed class StorageException : HienoException
{
    /// <summary>Builds the message <c>who: fact. advice.</c></summary>
    /// <param name="code">One of the HN13xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="who">The file or folder.</param>
    /// <param name="fact">What happened.</param>
    /// <param name="advice">What is intact, and what to do.</param>
    /// <param name="inner">The cause, or null.</param>
    public StorageException(string code, string who, string fact, string advice, Exception? inner = null)
        : base(code, who, fact, advice, inner)
    {
    }

    // What .NET and libc report as "full": ENOSPC; EDQUOT of Linux and of macOS; ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL of Windows.
    private static bool IsFull(int code) =>
        OperatingSystem.IsWindows() ? code is unchecked((int)0x80070070) or unchecked((int)0x80070027)
        : code == 28 || code == (OperatingSystem.IsMacOS() ? 69 : 122);

    /// <summary>Turns an error of the file system into one that says what was being done and what is still intact.</summary>
    /// <param name="cause">The error.</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="doing">What was being done, e.g. <c>saving the folder</c>.</param>
    /// <param name="intact">What is unharmed, e.g. <c>What was saved earlier is intact</c>.</param>
    public static StorageException From(Exception cause, string path, string doing, string intact)
    {
        ArgumentNullException.ThrowIfNull(cause);
        bool full = IsFull(cause.HResult);
        return new StorageException(
            full ? ErrorCodes.StorageFull : ErrorCodes.StorageFailed, path,
            full ? $"the disk (or a quota) is full, {doing} failed" : $"{doing} failed ({cause.Message.TrimEnd('.')})",
            full ? $"{intact}; free some space and run again" : $"{intact}; check the disk and its permissions", cause);
    }

    /// <summary>The error that the last call of the system left behind, in the form .NET uses for its own.</summary>
    internal static IOException LastSystemError(string call)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)}",
            OperatingSystem.IsWindows() ? unchecked((int)0x80070000) | error : error);
    }
}
