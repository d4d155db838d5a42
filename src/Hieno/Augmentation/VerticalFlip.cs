using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="VerticalFlip"/>.</summary>
public sealed record VerticalFlipOptions : PictureAugmentationOptions
{
    /// <summary>How often. Default 0.5.</summary>
    [Range(0.0, 1.0)]
    public double Probability { get; init; } = 0.5;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new VerticalFlip(this);
}

/// <summary>Top and bottom change places: for pictures from above or through a microscope, which have no up.</summary>
public sealed class VerticalFlip(VerticalFlipOptions options) : IPictureAugmentation
{
    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Random.Chance(options.Probability) ? ImageFlip.Vertical(image) : image;
    }
}
