using Hieno.Models.Vision;

namespace Hieno.Augmentation;

/// <summary>What an augmentation may know besides the picture.</summary>
/// <param name="Input">How the model reads pictures: their size, and the mean colour.</param>
/// <param name="Random">The random draws for this picture in this pass, which no other augmentation uses.</param>
public sealed record AugmentationContext(ImageInput Input, RandomDraws Random)
{
    /// <summary>The mean colour of a channel as a sample, 0 to 255: what becomes 0 when the model reads it.</summary>
    /// <param name="channel">The channel.</param>
    public byte MeanSample(int channel) => (byte)Math.Clamp(MathF.Round(Input.Mean[channel] * 255), 0, 255);
}
