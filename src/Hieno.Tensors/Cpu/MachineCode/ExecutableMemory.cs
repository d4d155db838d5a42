using System.Runtime.InteropServices;

namespace Hieno.Tensors.Cpu.MachineCode;

/// <summary>
/// Machine code that the processor may run. Its memory is writable while the code is copied in and executable from then on, never both,
/// and it lives until the process ends.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    /// <summary>Copies <paramref name="code"/> into memory of its own and makes that executable.</summary>
    /// <param name="code">The code.</param>
    /// <param name="refusal">Why the operating system did not allow it; empty when it did.</param>
    /// <returns>Where the code begins, or 0 where it was refused.</returns>
    public static nint TryCreate(ReadOnlySpan<byte> code, out string refusal)
    {
        if (OperatingSystem.IsLinux())
        {
            return OnLinux(code, out refusal);
        }

        if (OperatingSystem.IsWindows())
        {
            return OnWindows(code, out refusal);
        }

        refusal = "machine code is written for Linux and Windows only";
        return 0;
    }

    private static nint OnLinux(ReadOnlySpan<byte> code, out string refusal)
    {
        const int Read = 1;
        const int Write = 2;
        const int Execute = 4;
        const int PrivateAndAnonymous = 0x22;
        var length = (nuint)code.Length;
        nint memory = Map(0, length, Read | Write, PrivateAndAnonymous, file: -1, 0);
        if (memory == -1)
        {
            refusal = Refusal("mmap");
            return 0;
        }

        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        if (Protect(memory, length, Read | Execute) != 0)
        {
            refusal = Refusal("mprotect"); // before the next call overwrites the reason
            _ = Unmap(memory, length);
            return 0;
        }

        refusal = string.Empty;
        return memory;
    }

    private static nint OnWindows(ReadOnlySpan<byte> code, out string refusal)
    {
        const uint CommitAndReserve = 0x3000;
        const uint ReadWrite = 0x04;
        const uint ExecuteRead = 0x20;
        const uint Release = 0x8000;
        var length = (nuint)code.Length;
        nint memory = VirtualAlloc(0, length, CommitAndReserve, ReadWrite);
        if (memory == 0)
        {
            refusal = Refusal("VirtualAlloc");
            return 0;
        }

        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        if (!VirtualProtect(memory, length, ExecuteRead, out _))
        {
            refusal = Refusal("VirtualProtect");
            _ = VirtualFree(memory, 0, Release);
            return 0;
        }

        refusal = string.Empty;
        return memory;
    }

    private static string Refusal(string call) =>
        $"the operating system refuses executable memory ({call}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())})";

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("kernel32", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint VirtualAlloc(nint address, nuint length, uint allocation, uint protection);

    [LibraryImport("kernel32", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualProtect(nint address, nuint length, uint protection, out uint before);

    [LibraryImport("kernel32", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint length, uint how);
}
