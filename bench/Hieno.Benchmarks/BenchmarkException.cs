namespace Hieno.Benchmarks;

/// <summary>What the process answers, so that a script can tell a slow row from a measurement that was not possible.</summary>
internal static class ExitCode
{
    /// <summary>Every row reached its target.</summary>
    public const int Pass = 0;

    /// <summary>A row was measured and falls short of its target.</summary>
    public const int Short = 1;

    /// <summary>The command line is wrong, or a package the peer needs is missing.</summary>
    public const int Usage = 2;

    /// <summary>The machine was not quiet: too few clean samples, so nothing is reported.</summary>
    public const int NotQuiet = 3;

    /// <summary>A contestant failed: it crashed, hung, or answered nonsense.</summary>
    public const int Failed = 4;
}

/// <summary>Ends the run with a message for the user and the exit code it stands for.</summary>
internal sealed class BenchmarkException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="Benchmarks.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
