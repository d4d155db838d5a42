using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Hieno.Formats.Images;
using Hieno.Recipes;

namespace Hieno.Augmentation;

/// <summary>What takes the place of an erased rectangle.</summary>
public enum ErasedFill
{
    /// <summary>The mean colour of the pictures that the model was trained on, which it reads as 0.</summary>
    Mean,

    /// <summary>Random samples.</summary>
    Noise,

    /// <summary>Black.</summary>
    Black,
}

/// <summary>Settings of <see cref="RandomErasing"/>.</summary>
public sealed record RandomErasingOptions : PictureAugmentationOptions, IValidated
{
    /// <summary>How often. Default 0.5.</summary>
    [Range(0.0, 1.0)]
    public double Probability { get; init; } = 0.5;

    /// <summary>The smallest part of the picture's area. Default 0.02.</summary>
    [Range(0.0001, 1.0)]
    public double MinArea { get; init; } = 0.02;

    /// <summary>The largest part of the picture's area. Default 0.33.</summary>
    [Range(0.0001, 1.0)]
    public double MaxArea { get; init; } = 0.33;

    /// <summary>The narrowest rectangle: width over height. Default 0.3.</summary>
    [Range(0.01, 100.0)]
    public double MinRatio { get; init; } = 0.3;

    /// <summary>The widest rectangle: width over height. Default 3.3.</summary>
    [Range(0.01, 100.0)]
    public double MaxRatio { get; init; } = 3.3;

    /// <summary>What takes its place: mean, noise, black. Default mean.</summary>
    public ErasedFill Fill { get; init; } = ErasedFill.Mean;

    /// <inheritdoc/>
    public override IPictureAugmentation Create() => new RandomErasing(this);

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

/// <summary>A rectangle of the picture is taken away, so that no single part of a thing is relied on.</summary>
/// <remarks>
/// Zhong et al. 2017, <see href="https://arxiv.org/abs/1708.04896"/>, section 3, with the ranges of torchvision and the mean colour as its default (the paper fills with random
/// samples). The logarithm of the ratio is uniform; a rectangle that does not fit is drawn again, up to ten times, and else nothing is erased.
/// </remarks>
public sealed class RandomErasing(RandomErasingOptions options) : IPictureAugmentation
{
    private const int Tries = 10;

    /// <inheritdoc/>
    public Image Apply(Image image, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Random.Chance(options.Probability) || Draw(image.Width, image.Height, context.Random) is not { } box)
        {
            return image;
        }

        var erased = new Image(image.Width, image.Height, image.Channels, [.. image.Samples]);
        for (int y = box.Top; y < box.Top + box.Height; y++)
        {
            var row = erased.Row(y).Slice(box.Left * image.Channels, box.Width * image.Channels);
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = options.Fill switch
                {
                    ErasedFill.Mean => context.MeanSample(i % image.Channels),
                    ErasedFill.Noise => (byte)context.Random.Below(256),
                    _ => 0,
                };
            }
        }

        return erased;
    }

    /// <summary>Draws the rectangle, or null where none of ten fits.</summary>
    /// <param name="width">The picture's columns.</param>
    /// <param name="height">The picture's rows.</param>
    /// <param name="random">The draws.</param>
    public PixelBox? Draw(int width, int height, RandomDraws random)
    {
        ArgumentNullException.ThrowIfNull(random);
        for (int i = 0; i < Tries; i++)
        {
            double area = (double)width * height * random.Between(options.MinArea, options.MaxArea);
            double ratio = Math.Exp(random.Between(Math.Log(options.MinRatio), Math.Log(options.MaxRatio)));
            int boxWidth = (int)Math.Round(Math.Sqrt(area * ratio));
            int boxHeight = (int)Math.Round(Math.Sqrt(area / ratio));
            if (boxWidth > 0 && boxWidth < width && boxHeight > 0 && boxHeight < height)
            {
                return new PixelBox(random.Below(width - boxWidth + 1), random.Below(height - boxHeight + 1), boxWidth, boxHeight);
            }
        }

        return null;
    }
}
