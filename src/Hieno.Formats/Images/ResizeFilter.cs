namespace Hieno.Formats.Images;

/// <summary>How pixels are mixed when a picture's size changes. All but <see cref="Nearest"/> widen their reach when a picture shrinks.</summary>
public enum ResizeFilter
{
    /// <summary>The pixel at the place, unmixed.</summary>
    Nearest,

    /// <summary>The mean of those that a new pixel covers.</summary>
    Box,

    /// <summary>A triangle: weights fall with distance up to 1.</summary>
    Bilinear,

    /// <summary>A raised cosine up to 1.</summary>
    Hamming,

    /// <summary>Keys's cubic with a = −½, up to 2 (Keys 1981, IEEE Transactions on Acoustics, Speech, and Signal Processing 29, equation 4).</summary>
    Bicubic,

    /// <summary>Lanczos's windowed sinc, up to 3.</summary>
    Lanczos,
}
