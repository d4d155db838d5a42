using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;
using Hieno.Recipes;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="RandomResizedCrop"/>.</summary>
public sealed record RandomResizedCropOptions : PictureAugmentationOptions, IValidated
{
    /// <summary>The smallest part of the picture's area. Default 0.08.</summary>
    [Range(0.0001, 1.0)]
    public double MinArea { get; init; } = 0.08;

    /// <summary>The largest part of the picture's area. Default 1.</summary>
    [Range(0.0001, 1.0)]
    public double MaxArea { get; init; } = 1;

    /// <summary>The narrowest part: its width over its height, before it is stretched to the model's size. Default 0.75.</summary>
    [Range(0.01, 100.0)]
    public double MinRatio { get; init; } = 3.0 / 4;

    /// <summary>The widest part: its width over its height. Default 4/3.</summary>
    [Range(0.01, 100.0)]
    public double MaxRatio { get; init; } = 4.0 / 3;

    /// <summary>How pixels are mixed: nearest, box, bilinear, hamming, bicubic, lanczos. Default bilinear.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bilinear;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new RandomResizedCrop(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (MinArea > MaxArea)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"'minArea' is {MinArea}, more than the {MaxArea} of 'maxArea'. Lower it.");
        }

        if (MinRatio > MaxRatio)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"'minRatio' is {MinRatio}, more than the {MaxRatio} of 'maxRatio'. Lower it.");
        }
    }
}

/// <summary>A random part of the picture, stretched to the model's size: things are seen near and far, and in part.</summary>
/// <remarks>
/// Szegedy et al. 2015, <see href="https://arxiv.org/abs/1409.4842"/>, section 6, as torchvision draws it: an area U(min, max) of the picture's, a ratio whose logarithm is
/// uniform; up to ten times, until it fits; else the middle, as much of it as the ratios allow.
/// </remarks>
public sealed class RandomResizedCrop(RandomResizedCropOptions options) : IPictureAugmentation
{
    private const int Tries = 10;

    /// <inheritdoc/>
    public bool Resizes => true;

    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(context);
        PixelBox box = Draw(image.Width, image.Height, context.Random);
        Image part = ImageCrop.Apply(image, box.Left, box.Top, box.Width, box.Height);
        return ImageResize.Apply(part, context.Input.Width, context.Input.Height, options.Filter);
    }

    /// <summary>Draws the part of a picture that is taken.</summary>
    /// <param name="width">Its columns.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="random">The draws.</param>
    public PixelBox Draw(int width, int height, RandomDraws random)
    {
        ArgumentNullException.ThrowIfNull(random);
        for (int i = 0; i < Tries; i++)
        {
            double area = (double)width * height * random.Between(options.MinArea, options.MaxArea);
            double ratio = Math.Exp(random.Between(Math.Log(options.MinRatio), Math.Log(options.MaxRatio)));
            int partWidth = (int)Math.Round(Math.Sqrt(area * ratio));
            int partHeight = (int)Math.Round(Math.Sqrt(area / ratio));
            if (partWidth > 0 && partWidth <= width && partHeight > 0 && partHeight <= height)
            {
                return new PixelBox(random.Below(width - partWidth + 1), random.Below(height - partHeight + 1), partWidth, partHeight);
            }
        }

        double whole = (double)width / height;
        (int w, int h) = whole < options.MinRatio ? (width, (int)Math.Round(width / options.MinRatio))
            : whole > options.MaxRatio ? ((int)Math.Round(height * options.MaxRatio), height)
            : (width, height);
        (w, h) = (Math.Max(1, w), Math.Max(1, h));
        return new PixelBox((width - w) / 2, (height - h) / 2, w, h);
    }
}
