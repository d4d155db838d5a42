using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="RandAugment"/>.</summary>
public sealed record RandAugmentOptions : PictureAugmentationOptions
{
    /// <summary>How many changes follow each other. Default 2.</summary>
    [Range(1, 14)]
    public int Operations { get; init; } = 2;

    /// <summary>How strong they are, 0 to 30. Default 9.</summary>
    [Range(0, 30)]
    public int Magnitude { get; init; } = 9;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new RandAugment(this);
}

/// <summary>A few changes, drawn from fourteen and all of one strength: two settings instead of dozens.</summary>
/// <remarks>
/// Cubuk et al. 2019, <see href="https://arxiv.org/abs/1909.13719"/>, with the operations and strengths of torchvision: changes that have two directions take each as often;
/// pixels are taken unmixed, and what moves in is black.
/// </remarks>
public sealed class RandAugment(RandAugmentOptions options) : IPictureAugmentation
{
    private const int Strongest = 30;

    private const int Changes = 14;

    private const int LastWithDirection = 8;

    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(context);
        for (int i = 0; i < options.Operations; i++)
        {
            int change = context.Random.Below(Changes);
            double direction = change <= LastWithDirection && context.Random.Chance(0.5) ? -1 : 1;
            image = Change(image, change, direction);
        }

        return image;
    }

    /// <summary>One change.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="change">Its number: 0 to 8 have a direction.</param>
    /// <param name="direction">−1 or 1.</param>
    internal Image Change(Image image, int change, double direction)
    {
        double part = options.Magnitude / (double)Strongest * direction;
        return change switch
        {
            0 => Shear(image, 0.3 * part, 0),
            1 => Shear(image, 0, 0.3 * part),
            2 => ImageAffine.Apply(image, ImageAffine.Map(0, (int)(150.0 / 331 * image.Width * part), 0, 1, 0, 0, 0, 0)),
            3 => ImageAffine.Apply(image, ImageAffine.Map(0, 0, (int)(150.0 / 331 * image.Height * part), 1, 0, 0, 0, 0)),
            4 => ImageAffine.Rotate(image, 30 * part),
            5 => ImageEnhance.Brightness(image, 1 + (0.9 * part)),
            6 => ImageEnhance.Saturation(image, 1 + (0.9 * part)),
            7 => ImageEnhance.Contrast(image, 1 + (0.9 * part)),
            8 => ImageEnhance.Sharpness(image, 1 + (0.9 * part)),
            9 => ImageTones.Posterize(image, 8 - (int)Math.Round(options.Magnitude / (Strongest / 4.0), MidpointRounding.ToEven)),
            10 => ImageTones.Solarize(image, 255 - (255 * part)),
            11 => ImageTones.Autocontrast(image),
            12 => ImageTones.Equalize(image),
            _ => image,
        };
    }

    // Sheared about the upper left corner by a number of pixels for each row or column.
    private static Image Shear(Image image, double x, double y) =>
        ImageAffine.Apply(image, ImageAffine.Map(0, 0, 0, 1, Math.Atan(x) * 180 / Math.PI, Math.Atan(y) * 180 / Math.PI, 0, 0));
}
