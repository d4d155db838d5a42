using System.ComponentModel;
using System.Diagnostics;

namespace Hieno.Benchmarks.Peers;

/// <summary>A Python 3 that has PyTorch. Only the comparison needs one: nothing else in Hieno does.</summary>
internal static class PythonInstallation
{
    // Debian's own interpreter first: its packages are not visible to another one that may stand earlier in PATH.
    private static readonly string[] Usual = ["/usr/bin/python3", "python3"];

    /// <summary>The interpreter to use.</summary>
    /// <param name="given">The one the user asks for, or null to look for one.</param>
    /// <exception cref="BenchmarkException">None has PyTorch; the message says which packages to install.</exception>
    public static string Find(string? given)
    {
        string[] candidates = given is null ? Usual : [given];
        return candidates.FirstOrDefault(HasTorch) ?? throw new BenchmarkException(
            ExitCode.Usage,
            $"Python: no PyTorch in {string.Join(" or ", candidates)}. Install the Debian packages python3, python3-torch and "
            + $"{PeerEnvironment.OpenBlasPackage}, or name an interpreter that has it with --python.");
    }

    private static bool HasTorch(string python)
    {
        ProcessStartInfo start = new(python)
        {
            ArgumentList = { "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)" },
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false; // there is no such program
        }
    }
}
