using System.ComponentModel.DataAnnotations;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="CutMix"/>.</summary>
public sealed record CutMixOptions : MixingOptions
{
    /// <summary>α: 1 makes every size of the rectangle as likely. Default 1.</summary>
    [Range(0.001, 100.0)]
    public double Alpha { get; init; } = 1;

    /// <summary>How often a batch is mixed. Default 1.</summary>
    [Range(0.0, 1.0)]
    public double Probability { get; init; } = 1;

    /// <inheritdoc/>
    public override IMixing Create() => new CutMix(this);
}

/// <summary>A rectangle of each picture shows the same place of another one of the batch, and its target is mixed by area.</summary>
/// <remarks>
/// Yun et al. 2019, <see href="https://arxiv.org/abs/1905.04899"/>, section 3.1: λ of Beta(α, α), sides √(1 − λ) of the picture's, a centre drawn evenly, what lies outside cut
/// off; then λ is 1 minus the part of the area that was taken.
/// </remarks>
public sealed class CutMix(CutMixOptions options) : IMixing
{
    /// <inheritdoc/>
    public BatchMix? Draw(int count, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        RandomDraws random = context.Random;
        if (!random.Chance(options.Probability))
        {
            return null;
        }

        int[] partners = random.Permutation(count);
        (int width, int height) = (context.Input.Width, context.Input.Height);
        double side = Math.Sqrt(1 - random.Beta(options.Alpha));
        (int boxWidth, int boxHeight) = ((int)(width * side), (int)(height * side));
        (int x, int y) = (random.Below(width), random.Below(height));
        (int left, int top) = (Math.Max(0, x - (boxWidth / 2)), Math.Max(0, y - (boxHeight / 2)));
        (int right, int bottom) = (Math.Min(width, x + (boxWidth / 2)), Math.Min(height, y + (boxHeight / 2)));
        var box = new PixelBox(left, top, right - left, bottom - top);
        return new BatchMix(partners, 1 - ((double)box.Width * box.Height / ((double)width * height)), box);
    }
}
