using Hieno.Augmentation;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;
using Hieno.Models.Vision;

namespace Hieno.Tests.Augmentation;

public sealed class TestTimeViewsTests
{
    private static readonly ImageInput s_input = new(28, 28, ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);

    [Fact]
    public void Views_are_the_picture_its_mirror_image_or_crops_of_it()
    {
        Image image = Gradient(64, 32);
        Image Prepare(Image picture) => ImageResize.Apply(picture, 28, 28);
        Assert.Equal(Prepare(image).Samples, TestTimeViews.Of(image, TestViews.One, s_input, Prepare).Single().Samples);
        IReadOnlyList<Image> two = TestTimeViews.Of(image, TestViews.Flip, s_input, Prepare);
        Assert.Equal(ImageFlip.Horizontal(Prepare(image)).Samples, two[1].Samples);

        // 32 × 64 is already 8/7 of 28 on the shorter side, so the corners are the picture's own.
        IReadOnlyList<Image> five = TestTimeViews.Of(image, TestViews.FiveCrop, s_input, Prepare);
        Assert.Equal(5, five.Count);
        Assert.Equal(ImageCrop.Apply(image, 0, 0, 28, 28).Samples, five[0].Samples);
        Assert.Equal(ImageCrop.Apply(image, 36, 4, 28, 28).Samples, five[3].Samples);
        Assert.Equal(ImageCrop.Apply(image, 18, 2, 28, 28).Samples, five[4].Samples);
        IReadOnlyList<Image> ten = TestTimeViews.Of(image, TestViews.TenCrop, s_input, Prepare);
        Assert.Equal(10, ten.Count);
        Assert.Equal(ImageFlip.Horizontal(five[2]).Samples, ten[7].Samples);
    }

    [Fact]
    public void The_mean_is_that_of_probabilities_not_of_logits()
    {
        float[] mean = TestTimeViews.Mean([[0, 0], [MathF.Log(9), 0]]);
        Assert.Equal(0.7, Math.Exp(mean[0]), 1e-6);
        Assert.Equal(0.3, Math.Exp(mean[1]), 1e-6);
        Assert.All(TestTimeViews.Mean([[1000, 0], [1000, 0]]), logit => Assert.True(float.IsFinite(logit)));
    }

    private static Image Gradient(int width, int height)
    {
        var image = new Image(width, height, 3);
        for (int i = 0; i < image.Samples.Length; i++)
        {
            image.Samples[i] = (byte)((i * 7) + (i / width));
        }

        return image;
    }
}
