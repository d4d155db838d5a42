using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="RandomCrop"/>.</summary>
public sealed record RandomCropOptions : PictureAugmentationOptions
{
    /// <summary>Pixels of margin on each side: how far the picture moves at most. Default 4, as is usual for pictures of 32 pixels.</summary>
    [Range(1, 4096)]
    public int Padding { get; init; } = 4;

    /// <summary>What the margin shows: zero, edge, reflect, symmetric. Default zero.</summary>
    public PadMode Mode { get; init; } = PadMode.Zero;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new RandomCrop(this);
}

/// <summary>The picture moved by a few pixels: it is given a margin, and a part of its own size is cut out.</summary>
/// <remarks>He et al. 2016, <see href="https://arxiv.org/abs/1512.03385"/>, section 4.2.</remarks>
public sealed class RandomCrop(RandomCropOptions options) : IPictureAugmentation
{
    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(context);
        int margin = options.Padding;
        Image padded = ImagePad.Apply(image, margin, margin, margin, margin, options.Mode);
        return ImageCrop.Apply(padded, context.Random.Below((2 * margin) + 1), context.Random.Below((2 * margin) + 1), image.Width, image.Height);
    }
}
