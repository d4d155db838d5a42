namespace Hieno.Cli;

/// <summary>What the program ends with; scripts rely on these numbers.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>It could not be done, or what was checked has faults.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the recipe is wrong; nothing was begun.</summary>
    public const int Usage = 2;

    /// <summary>Cancelled by the user.</summary>
    public const int Cancelled = 130;
}
