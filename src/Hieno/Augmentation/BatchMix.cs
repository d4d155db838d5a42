using Hieno.Tensors;

namespace Hieno.Augmentation;

/// <summary>A rectangle of pixels.</summary>
/// <param name="Left">The first column.</param>
/// <param name="Top">The first row.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
public readonly record struct PixelBox(int Left, int Top, int Width, int Height);

/// <summary>Each picture of a batch mixed with another one of it: blended as a whole, or with a rectangle of the other; and its target in the same proportion.</summary>
public sealed class BatchMix
{
    private readonly int[] _partners;

    /// <summary>Makes a mix.</summary>
    /// <param name="partners">For each picture which other is mixed into it.</param>
    /// <param name="share">λ: how much of a picture's own target is left, 0 to 1.</param>
    /// <param name="box">The part that is the other's; null blends whole pictures, λ of the own and 1 − λ of the other.</param>
    public BatchMix(IReadOnlyList<int> partners, double share, PixelBox? box = null)
    {
        ArgumentNullException.ThrowIfNull(partners);
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        (_partners, Share, Box) = ([.. partners], share, box);
    }

    /// <summary>For each picture which other is mixed into it.</summary>
    public IReadOnlyList<int> Partners => _partners;

    /// <summary>λ: how much of a picture's own target is left.</summary>
    public double Share { get; }

    /// <summary>The part that is the other picture's; null where whole pictures are blended.</summary>
    public PixelBox? Box { get; }

    /// <summary>Mixes the pictures' numbers in place.</summary>
    /// <param name="pixels">[N, height, width, channels].</param>
    /// <param name="height">Rows of a picture.</param>
    /// <param name="width">Columns of a picture.</param>
    public void Apply(Span<float> pixels, int height, int width)
    {
        float[] before = pixels.ToArray(); // a picture is mixed with what the other one was
        int size = before.Length / _partners.Length;
        int channels = size / (height * width);
        float own = (float)Share;
        for (int i = 0; i < _partners.Length; i++)
        {
            var mixed = pixels.Slice(i * size, size);
            var other = before.AsSpan(_partners[i] * size, size);
            if (Box is { } box)
            {
                for (int y = box.Top; y < box.Top + box.Height; y++)
                {
                    int start = ((y * width) + box.Left) * channels;
                    other.Slice(start, box.Width * channels).CopyTo(mixed[start..]);
                }

                continue;
            }

            for (int k = 0; k < size; k++)
            {
                mixed[k] = (own * mixed[k]) + ((1 - own) * other[k]);
            }
        }
    }

    /// <summary>
    /// The loss of mixed pictures: λ of the cross-entropy with their own class and 1 − λ with that of the other, which is the cross-entropy with the mixed target.
    /// </summary>
    /// <param name="logits">[N, K].</param>
    /// <param name="classes">N classes before mixing.</param>
    /// <param name="scale">Factor of the sum, e.g. 1 / N for the mean.</param>
    /// <param name="labelSmoothing">The part of each target that is spread over all classes. Default 0.</param>
    /// <returns>[1].</returns>
    public Tensor CrossEntropy(Tensor logits, int[] classes, float scale, float labelSmoothing = 0)
    {
        ArgumentNullException.ThrowIfNull(classes);
        int[] others = [.. _partners.Select(partner => classes[partner])];
        Tensor own = Ops.CrossEntropy(logits, classes, null, scale * (float)Share, labelSmoothing);
        return Ops.Add(own, Ops.CrossEntropy(logits, others, null, scale * (1 - (float)Share), labelSmoothing));
    }

    /// <summary>Numbers to predict, mixed in the same proportion.</summary>
    /// <param name="targets">For each picture its numbers.</param>
    /// <returns>For each picture λ of its own and 1 − λ of the other's.</returns>
    public float[][] Targets(IReadOnlyList<float[]> targets)
    {
        ArgumentNullException.ThrowIfNull(targets);
        float own = (float)Share;
        return [.. targets.Select((target, i) => target.Zip(targets[_partners[i]], (mine, other) => (own * mine) + ((1 - own) * other)).ToArray())];
    }
}
