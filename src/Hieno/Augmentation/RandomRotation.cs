using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="RandomRotation"/>.</summary>
public sealed record RandomRotationOptions : PictureAugmentationOptions
{
    /// <summary>The largest angle either way. Default 15.</summary>
    [Range(0.0, 180.0)]
    public double Degrees { get; init; } = 15;

    /// <summary>How pixels are taken: nearest or bilinear. Default bilinear.</summary>
    [AllowedValues(ResizeFilter.Nearest, ResizeFilter.Bilinear)]
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bilinear;

    /// <summary>What the corners show, 0 (black) to 255. Default 0.</summary>
    [Range(0, 255)]
    public int Fill { get; init; }

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new RandomRotation(this);
}

/// <summary>The picture turned about its middle by a random angle.</summary>
public sealed class RandomRotation(RandomRotationOptions options) : IPictureAugmentation
{
    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ImageAffine.Rotate(image, context.Random.Between(-options.Degrees, options.Degrees), options.Filter, fill: (byte)options.Fill);
    }
}
