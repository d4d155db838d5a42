using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;
using Hieno.Recipes;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="ColorJitter"/>.</summary>
public sealed record ColorJitterOptions : PictureAugmentationOptions, IValidated
{
    /// <summary>Brightness is multiplied by a factor from 1 − this (at least 0) to 1 + this; 0 leaves it. Default 0.2.</summary>
    [Range(0.0, 10.0)]
    public double Brightness { get; init; } = 0.2;

    /// <summary>The same for contrast. Default 0.2.</summary>
    [Range(0.0, 10.0)]
    public double Contrast { get; init; } = 0.2;

    /// <summary>The same for saturation. Default 0.2.</summary>
    [Range(0.0, 10.0)]
    public double Saturation { get; init; } = 0.2;

    /// <summary>Hues turn by up to this part of their circle either way. Default 0.</summary>
    [Range(0.0, 0.5)]
    public double Hue { get; init; }

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new ColorJitter(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Brightness == 0 && Contrast == 0 && Saturation == 0 && Hue == 0)
        {
            yield return "'color-jitter' changes nothing. Give at least one of brightness, contrast, saturation and hue, e.g. { kind: color-jitter, brightness: 0.4 }.";
        }
    }
}

/// <summary>Brightness, contrast, saturation and hue, each changed by a random amount, in random order: another light, another camera.</summary>
/// <remarks>As torchvision's ColorJitter; each factor is uniform.</remarks>
public sealed class ColorJitter(ColorJitterOptions options) : IPictureAugmentation
{
    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        RandomDraws random = context.Random;
        foreach (int change in random.Permutation(4))
        {
            image = change switch
            {
                0 => options.Brightness > 0 ? ImageEnhance.Brightness(image, Factor(options.Brightness, random)) : image,
                1 => options.Contrast > 0 ? ImageEnhance.Contrast(image, Factor(options.Contrast, random)) : image,
                2 => options.Saturation > 0 ? ImageEnhance.Saturation(image, Factor(options.Saturation, random)) : image,
                _ => options.Hue > 0 ? ImageHue.Shift(image, random.Between(-options.Hue, options.Hue)) : image,
            };
        }

        return image;
    }

    private static double Factor(double amount, RandomDraws random) => random.Between(Math.Max(0, 1 - amount), 1 + amount);
}
