namespace Hieno.Formats.Images;

/// <summary>How pictures are read, and what is refused.</summary>
public sealed record ImageReadOptions
{
    /// <summary>What fits one array with four channels: 536,870,911 pixels.</summary>
    public const long MostPixels = int.MaxValue / 4;

    /// <summary>The defaults.</summary>
    public static ImageReadOptions Default { get; } = new();

    /// <summary>
    /// Most pixels that a picture may have. Default 100,000,000: a small file can claim to hold a picture that fills all memory, so the claim
    /// is checked before memory is taken. More than <see cref="MostPixels"/> are never read.
    /// </summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Most bytes that a file of many pictures may unpack to. Default 1,073,741,824 (1 GiB); more than 2,147,483,591 are never read.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>Whether a camera's note on how it was held is obeyed, so that pictures stand upright. Default true.</summary>
    public bool ApplyOrientation { get; init; } = true;
}
