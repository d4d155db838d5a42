using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="HorizontalFlip"/>.</summary>
public sealed record HorizontalFlipOptions : PictureAugmentationOptions
{
    /// <summary>How often. Default 0.5.</summary>
    [Range(0.0, 1.0)]
    public double Probability { get; init; } = 0.5;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new HorizontalFlip(this);
}

/// <summary>Left and right change places: not for letters and digits, nor where the side matters.</summary>
public sealed class HorizontalFlip(HorizontalFlipOptions options) : IPictureAugmentation
{
    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Random.Chance(options.Probability) ? ImageFlip.Horizontal(image) : image;
    }
}
