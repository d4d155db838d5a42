namespace Hieno.Tensors;

/// <summary>All extents of a convolution: what its kernels loop over.</summary>
/// <param name="Images">N, pictures in the batch.</param>
/// <param name="Height">Rows of a picture.</param>
/// <param name="Width">Columns of a picture.</param>
/// <param name="Channels">Channels of a picture.</param>
/// <param name="Features">Channels of the result.</param>
/// <param name="KernelHeight">Rows of a filter.</param>
/// <param name="KernelWidth">Columns of a filter.</param>
/// <param name="Groups">Parts that channels and features are cut into; a feature reads the channels of its part alone.</param>
/// <param name="Vertical">How filters move from top to bottom.</param>
/// <param name="Horizontal">How filters move from left to right.</param>
public sealed record ConvolutionGeometry(
    int Images,
    int Height,
    int Width,
    int Channels,
    int Features,
    int KernelHeight,
    int KernelWidth,
    int Groups,
    SlidingAxis Vertical,
    SlidingAxis Horizontal)
{
    /// <summary>Rows of the result.</summary>
    public int OutHeight => Vertical.Places(Height, KernelHeight);

    /// <summary>Columns of the result.</summary>
    public int OutWidth => Horizontal.Places(Width, KernelWidth);

    /// <summary>Pixels of all results.</summary>
    public int OutPixels => checked(Images * OutHeight * OutWidth);

    /// <summary>Pixels of a filter.</summary>
    public int Taps => KernelHeight * KernelWidth;

    /// <summary>Channels that one feature reads.</summary>
    public int GroupChannels => Channels / Groups;

    /// <summary>Features of one part.</summary>
    public int GroupFeatures => Features / Groups;

    /// <summary>Numbers that one feature at one place reads.</summary>
    public int Depth => Taps * GroupChannels;

    /// <summary>True where each pixel of the result reads the same pixel of the picture: a matrix product without more ado.</summary>
    public bool IsPointwise => Taps == 1 && Vertical == new SlidingAxis(Dilation: Vertical.Dilation) && Horizontal == new SlidingAxis(Dilation: Horizontal.Dilation);

    /// <summary>True where each feature reads one channel of its own.</summary>
    public bool IsDepthwise => Groups == Channels && Features == Channels;

    /// <summary>Multiply-adds of the forward pass, as two operations each.</summary>
    public long Flops => 2L * OutPixels * Features * Depth;
}
