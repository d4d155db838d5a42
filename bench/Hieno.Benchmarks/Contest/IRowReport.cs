namespace Hieno.Benchmarks.Contest;

/// <summary>The outcome of a row, whatever its kind.</summary>
internal interface IRowReport
{
    /// <summary>Whether the machine was quiet enough for figures.</summary>
    bool Measured { get; }

    /// <summary>Whether the row was measured and reaches its target.</summary>
    bool Passes { get; }

    /// <summary>The row as a Markdown section, the same on the console and in the results file.</summary>
    string ToMarkdown();
}
