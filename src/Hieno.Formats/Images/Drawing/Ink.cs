namespace Hieno.Formats.Images.Drawing;

/// <summary>A colour of a drawing.</summary>
/// <param name="Red">0 to 255.</param>
/// <param name="Green">0 to 255.</param>
/// <param name="Blue">0 to 255.</param>
public readonly record struct Ink(byte Red, byte Green, byte Blue)
{
    /// <summary>Black.</summary>
    public static Ink Black { get; } = new(0, 0, 0);

    /// <summary>White.</summary>
    public static Ink White { get; } = new(255, 255, 255);

    /// <summary>A dark grey for what is said beside.</summary>
    public static Ink Grey { get; } = new(85, 85, 85);
}
