namespace Hieno.Formats.Tokenizers;

/// <summary>A half-open range of a text.</summary>
/// <param name="Start">Index of the first unit in the range.</param>
/// <param name="End">Index after the last unit in the range.</param>
/// <remarks>Units are UTF-16 code units, so that <c>text[range.Start..range.End]</c> works, unless the member that returns it says otherwise.</remarks>
public readonly record struct TextRange(int Start, int End)
{
    /// <summary>The number of units in the range.</summary>
    public int Length => End - Start;
}
