namespace Hieno.Models.Vision;

/// <summary>How a vision model wants its pictures: a number of a channel is (sample / 255 − mean) / deviation.</summary>
/// <param name="Height">Pixels from top to bottom.</param>
/// <param name="Width">Pixels from left to right.</param>
/// <param name="Mean">What is subtracted from each channel; as many numbers as there are channels.</param>
/// <param name="Deviation">What each channel is divided by; as many.</param>
public sealed record ImageInput(int Height, int Width, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>The means of ImageNet's channels red, green and blue.</summary>
    public static IReadOnlyList<float> ImageNetMean { get; } = [0.485f, 0.456f, 0.406f];

    /// <summary>The deviations of ImageNet's channels red, green and blue.</summary>
    public static IReadOnlyList<float> ImageNetDeviation { get; } = [0.229f, 0.224f, 0.225f];

    /// <summary>The mean of MNIST's training pictures.</summary>
    public const float MnistMean = 0.1307f;

    /// <summary>The deviation of MNIST's training pictures.</summary>
    public const float MnistDeviation = 0.3081f;

    /// <summary>Square colour pictures, scaled and shifted by the statistics of ImageNet.</summary>
    /// <param name="side">Pixels of a side.</param>
    public static ImageInput ImageNet(int side) => new(side, side, ImageNetMean, ImageNetDeviation);

    /// <summary>Number of channels: 1 for grey pictures, 3 for coloured ones.</summary>
    public int Channels => Mean.Count;
}
