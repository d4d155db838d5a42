using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;
using Hieno.Models.Vision;

namespace Hieno.Augmentation;

/// <summary>Which views of a picture are shown to the network when it is tested.</summary>
public enum TestViews
{
    /// <summary>The picture as it is prepared: no test-time augmentation.</summary>
    One,

    /// <summary>The picture and its mirror image.</summary>
    Flip,

    /// <summary>The four corners and the middle of the picture, somewhat enlarged.</summary>
    FiveCrop,

    /// <summary>These five and their mirror images.</summary>
    TenCrop,
}

/// <summary>Test-time augmentation: the network sees several views of each picture, and the mean of what it says counts.</summary>
/// <remarks>
/// Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks", section 4.1: five crops and their mirror images, and the mean of the
/// softmax. The picture's shorter side is 8/7 of the model's, the usual 256 for 224.
/// </remarks>
public static class TestTimeViews
{
    /// <summary>Makes the views.</summary>
    /// <param name="image">The picture as it is in the file.</param>
    /// <param name="views">Which.</param>
    /// <param name="input">How the model reads pictures.</param>
    /// <param name="prepare">Makes a picture as large as the model reads it, as in an evaluation.</param>
    /// <returns>1, 2, 5 or 10 pictures of the model's size and channels.</returns>
    public static IReadOnlyList<Image> Of(Image image, TestViews views, ImageInput input, Func<Image, Image> prepare)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(prepare);
        Image coloured = input.Channels == 1 ? image.ToGrey() : image.ToRgb();
        IReadOnlyList<Image> shown = views is TestViews.FiveCrop or TestViews.TenCrop ? Crops(coloured, input) : [prepare(coloured)];
        return views is TestViews.Flip or TestViews.TenCrop ? [.. shown, .. shown.Select(ImageFlip.Horizontal)] : shown;
    }

    /// <summary>The mean of the views' probabilities, as a logarithm: logits of the same softmax, so that every metric can be computed of it.</summary>
    /// <param name="logits">For each view [classes].</param>
    /// <returns>ln of the mean softmax, [classes].</returns>
    public static float[] Mean(IReadOnlyList<float[]> logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        double[] mean = new double[logits[0].Length];
        foreach (float[] view in logits)
        {
            double largest = view.Max();
            double sum = view.Sum(logit => Math.Exp(logit - largest));
            for (int k = 0; k < mean.Length; k++)
            {
                mean[k] += Math.Exp(view[k] - largest) / sum / logits.Count;
            }
        }

        return Array.ConvertAll(mean, p => (float)Math.Log(Math.Max(p, float.Epsilon))); // a probability of 0 would have no logarithm
    }

    private static List<Image> Crops(Image image, ImageInput input)
    {
        // As small as it can be with both sides at least 8/7 of the model's.
        double scale = Math.Max(input.Width * 8.0 / 7 / image.Width, input.Height * 8.0 / 7 / image.Height);
        int width = Math.Max(input.Width, (int)Math.Round(image.Width * scale));
        int height = Math.Max(input.Height, (int)Math.Round(image.Height * scale));
        Image enlarged = ImageResize.Apply(image, width, height);
        (int right, int bottom) = (width - input.Width, height - input.Height);
        (int Left, int Top)[] corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)];
        return [.. corners.Select(corner => ImageCrop.Apply(enlarged, corner.Left, corner.Top, input.Width, input.Height)), ImageCrop.Center(enlarged, input.Width, input.Height)];
    }
}
