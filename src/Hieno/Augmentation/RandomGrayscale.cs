using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="RandomGrayscale"/>.</summary>
public sealed record RandomGrayscaleOptions : PictureAugmentationOptions
{
    /// <summary>How often. Default 0.1.</summary>
    [Range(0.0, 1.0)]
    public double Probability { get; init; } = 0.1;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new RandomGrayscale(this);
}

/// <summary>The picture without its colours, so that shape has to do.</summary>
public sealed class RandomGrayscale(RandomGrayscaleOptions options) : IPictureAugmentation
{
    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(context);
        return context.Random.Chance(options.Probability) && image.Channels == 3 ? image.ToGrey().ToRgb() : image;
    }
}
