using Hieno.Augmentation;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;
using Hieno.Models.Vision;

namespace Hieno.Tests.Augmentation;

public sealed class AugmenterTests
{
    private const int Draws = 20_000;

    private static readonly ImageInput s_input = new(24, 32, ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);

    private static readonly Image s_noise = Noise(50, 40, 3);

    [Fact]
    public void Crops_keep_to_their_area_and_ratio_and_are_spread_over_them()
    {
        var crop = new RandomResizedCrop(new RandomResizedCropOptions());
        double[] areas = new double[Draws];
        double[] ratios = new double[Draws];
        double[] lefts = new double[Draws];
        for (int i = 0; i < Draws; i++)
        {
            PixelBox box = crop.Draw(400, 400, new RandomDraws(1, 0, i));
            Assert.InRange(box.Left, 0, 400 - box.Width);
            Assert.InRange(box.Top, 0, 400 - box.Height);
            areas[i] = box.Width * box.Height / 160_000.0;
            ratios[i] = (double)box.Width / box.Height;
            lefts[i] = box.Width == 400 ? 0.5 : (double)box.Left / (400 - box.Width);
        }

        Assert.InRange(areas.Min(), 0.078, 0.09);
        Assert.InRange(areas.Max(), 0.9, 1.0);
        Assert.InRange(ratios.Min(), 0.74, 0.77);
        Assert.InRange(ratios.Max(), 1.31, 1.35);
        Assert.InRange(lefts.Average(), 0.49, 0.51);

        // The logarithm of the ratio is uniform where every area fits, so below 0.08 to 0.5 the halves are equal and the mean area is that of the range.
        var small = new RandomResizedCrop(new RandomResizedCropOptions { MaxArea = 0.5 });
        PixelBox[] boxes = [.. Enumerable.Range(0, Draws).Select(i => small.Draw(400, 400, new RandomDraws(2, 0, i)))];
        Assert.InRange(boxes.Average(box => box.Width * box.Height / 160_000.0), 0.287, 0.293);
        Assert.InRange(boxes.Average(box => Math.Log((double)box.Width / box.Height)), -0.01, 0.01);
        Assert.InRange(boxes.Average(box => Math.Pow(Math.Log((double)box.Width / box.Height), 2)), 0.0275 - 0.002, 0.0275 + 0.002); // log(4/3)² / 3
    }

    [Theory]
    [InlineData(400, 20, 27)] // wider than any ratio: 4/3 of the height
    [InlineData(20, 400, 20)]
    public void A_crop_that_never_fits_takes_the_middle(int width, int height, int expectedWidth)
    {
        var crop = new RandomResizedCrop(new RandomResizedCropOptions { MinArea = 1 });
        PixelBox box = crop.Draw(width, height, new RandomDraws(1, 0, 0));
        Assert.Equal(expectedWidth, box.Width);
        Assert.Equal((width - box.Width) / 2, box.Left);
        Assert.Equal((height - box.Height) / 2, box.Top);
    }

    [Fact]
    public void Flips_happen_as_often_as_they_should()
    {
        Image image = Noise(32, 24, 3);
        var flip = new HorizontalFlip(new HorizontalFlipOptions { Probability = 0.3 });
        int flipped = Enumerable.Range(0, 2000).Count(i => !ReferenceEquals(flip.Apply(image, Context(i)), image));
        Assert.InRange(flipped, 540, 660);
        Assert.Equal(ImageFlip.Vertical(image).Samples, new VerticalFlip(new VerticalFlipOptions { Probability = 1 }).Apply(image, Context(0)).Samples);
        Assert.Same(image, new VerticalFlip(new VerticalFlipOptions { Probability = 0 }).Apply(image, Context(0)));
        Assert.Equal(image.ToGrey().ToRgb().Samples, new RandomGrayscale(new RandomGrayscaleOptions { Probability = 1 }).Apply(image, Context(0)).Samples);
    }

    [Fact]
    public void Jitter_multiplies_by_factors_around_one()
    {
        var grey = new Image(8, 8, 3);
        grey.Samples.AsSpan().Fill(100);
        var jitter = new ColorJitter(new ColorJitterOptions { Brightness = 0.4, Contrast = 0, Saturation = 0 });
        double[] factors = [.. Enumerable.Range(0, 4000).Select(i => jitter.Apply(grey, Context(i)).Samples[0] / 100.0)];
        Assert.InRange(factors.Min(), 0.59, 0.61);
        Assert.InRange(factors.Max(), 1.38, 1.40);
        Assert.InRange(factors.Average(), 0.985, 1.005); // samples are cut off, half a hundredth on average
        Assert.InRange(factors.Average(factor => Math.Pow(factor - 0.995, 2)), 0.0533 - 0.003, 0.0533 + 0.003); // 0.8² / 12

        var every = new ColorJitter(new ColorJitterOptions { Brightness = 0.4, Contrast = 0.4, Saturation = 0.4, Hue = 0.1 });
        Image image = Noise(32, 24, 3);
        Assert.Equal(200, Enumerable.Range(0, 200).Select(i => Convert.ToHexString(every.Apply(image, Context(i)).Samples)).Distinct().Count());
        var none = new ColorJitterOptions { Brightness = 0, Contrast = 0, Saturation = 0 };
        Assert.NotEmpty(none.Validate());
        Assert.Empty((none with { Hue = 0.1 }).Validate());
        Assert.Empty(new ColorJitterOptions().Validate());
    }

    [Fact]
    public void A_rotation_turns_both_ways_by_no_more_than_its_angle()
    {
        var rotation = new RandomRotation(new RandomRotationOptions { Degrees = 10, Filter = ResizeFilter.Nearest });
        var line = new Image(101, 101, 1);
        for (int x = 0; x < 101; x++)
        {
            line.Row(50)[x] = 255;
        }

        // Where the line meets the right side tells the angle.
        double[] angles = [.. Enumerable.Range(0, 1000).Select(i => rotation.Apply(line, Context(i)))
            .Select(turned => Math.Atan2(50 - Enumerable.Range(0, 101).Where(y => turned.Row(y)[95] > 0).Average(), 45) * 180 / Math.PI)];
        Assert.InRange(angles.Min(), -10.8, -9);
        Assert.InRange(angles.Max(), 9, 10.8);
        Assert.InRange(angles.Average(), -0.6, 0.6);
    }

    [Fact]
    public void Erased_rectangles_keep_to_their_area_and_show_what_was_asked_for()
    {
        var erasing = new RandomErasing(new RandomErasingOptions());
        PixelBox[] boxes = [.. Enumerable.Range(0, Draws).Select(i => erasing.Draw(300, 300, new RandomDraws(1, 0, i))).OfType<PixelBox>()];
        Assert.InRange(boxes.Length, Draws * 0.99, Draws);
        Assert.All(boxes, box => Assert.InRange(box.Width * box.Height / 90_000.0, 0.019, 0.335));
        Assert.InRange(boxes.Average(box => box.Width * box.Height / 90_000.0), 0.165, 0.18);
        Assert.InRange(boxes.Min(box => (double)box.Width / box.Height), 0.28, 0.33);
        Assert.InRange(boxes.Max(box => (double)box.Width / box.Height), 3.1, 3.5);

        var white = new Image(32, 24, 3);
        white.Samples.AsSpan().Fill(255);
        int[] erased = [.. Enumerable.Range(0, 2000).Select(i => erasing.Apply(white, Context(i)).Samples.Chunk(3).Count(pixel => pixel is [124, 116, 104]))];
        Assert.InRange(erased.Count(count => count > 0), 900, 1100);
        Assert.All(white.Samples, sample => Assert.Equal(255, sample));
        Image noise = new RandomErasing(new RandomErasingOptions { Probability = 1, Fill = ErasedFill.Noise }).Apply(white, Context(1));
        Assert.InRange(noise.Samples.Distinct().Count(), 10, 256);
        Assert.Contains((byte)0, new RandomErasing(new RandomErasingOptions { Probability = 1, Fill = ErasedFill.Black }).Apply(white, Context(1)).Samples);
    }

    [Fact]
    public void RandAugment_s_changes_have_the_strengths_of_the_table()
    {
        Image image = Noise(331, 331, 3);
        var augment = new RandAugment(new RandAugmentOptions { Magnitude = 20 });
        AssertSame(ImageCrop.Apply(image, -100, 0, 331, 331), augment.Change(image, 2, 1)); // 150 / 331 · 20 / 30 of the width, to the right
        AssertSame(ImageCrop.Apply(image, 0, 100, 331, 331), augment.Change(image, 3, -1));
        AssertSame(ImageAffine.Rotate(image, 20), augment.Change(image, 4, 1));
        AssertSame(ImageEnhance.Brightness(image, 0.4), augment.Change(image, 5, -1));
        AssertSame(ImageEnhance.Saturation(image, 1.6), augment.Change(image, 6, 1));
        AssertSame(ImageEnhance.Contrast(image, 1.6), augment.Change(image, 7, 1));
        AssertSame(ImageEnhance.Sharpness(image, 0.4), augment.Change(image, 8, -1));
        AssertSame(ImageTones.Posterize(image, 5), augment.Change(image, 9, 1));
        AssertSame(ImageTones.Solarize(image, 85), augment.Change(image, 10, 1));
        AssertSame(image, augment.Change(image, 13, 1));

        // Sheared by 0.2 pixels a row about the upper corner: row y comes from 0.2 · (y + ½) further.
        Image sheared = augment.Change(image, 0, 1);
        Assert.Equal(image.Row(100)[((50 + 20) * 3)..((50 + 20) * 3 + 3)].ToArray(), sheared.Row(100)[(50 * 3)..((50 * 3) + 3)].ToArray());
    }

    [Fact]
    public void RandAugment_draws_every_change_as_often()
    {
        Image image = Noise(32, 24, 3);
        var augment = new RandAugment(new RandAugmentOptions { Operations = 1 });
        int same = Enumerable.Range(0, 5600).Count(i => augment.Apply(image, Context(i)).Samples.AsSpan().SequenceEqual(image.Samples));
        Assert.InRange(same, 320, 1050); // one in fourteen stays as it is; autocontrast leaves noise alone too
        Assert.InRange(Enumerable.Range(0, 5600).Select(i => Convert.ToHexString(augment.Apply(image, Context(i)).Samples)).Distinct().Count(), 20, 23); // 9 changes either way, 5 others
    }

    [Fact]
    public void A_moved_picture_shows_its_margin()
    {
        Image image = Noise(32, 24, 3);
        var crop = new RandomCrop(new RandomCropOptions());
        string[] moved = [.. Enumerable.Range(0, 4000).Select(i => Convert.ToHexString(crop.Apply(image, Context(i)).Samples))];
        Assert.Equal(81, moved.Distinct().Count()); // 9 places each way
        Assert.Contains(Convert.ToHexString(image.Samples), moved);
        Assert.Contains(Convert.ToHexString(ImageCrop.Apply(image, -4, 4, 32, 24).Samples), moved);
    }

    [Fact]
    public void What_is_seen_depends_on_seed_example_and_pass_and_on_nothing_else()
    {
        Augmenter augmenter = All(seed: 7);
        byte[][] inOrder = [.. Enumerable.Range(0, 64).Select(i => See(augmenter, i, pass: 2))];
        byte[][] anyOrder = new byte[64][];
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 3 }, i => anyOrder[63 - i] = See(All(seed: 7), 63 - i, pass: 2));
        Assert.Equal(inOrder, anyOrder);
        Assert.Equal(64, inOrder.Select(Convert.ToHexString).Distinct().Count());
        Assert.NotEqual(inOrder[5], See(augmenter, 5, pass: 3));
        Assert.NotEqual(inOrder[5], See(All(seed: 8), 5, pass: 2));

        BatchMix mix = augmenter.Mix([4, 9, 1], pass: 2)!;
        BatchMix again = All(seed: 7).Mix([4, 9, 1], pass: 2)!;
        Assert.Equal((mix.Share, mix.Box), (again.Share, again.Box));
        Assert.Equal(mix.Partners, again.Partners);
    }

    [Fact]
    public void An_augmentation_at_the_end_leaves_those_before_it_as_they_were()
    {
        PictureAugmentationOptions[] list = [new RandomResizedCropOptions(), new ColorJitterOptions { Brightness = 0.4 }];
        Image before = Seen(new Augmenter(list, s_input, 3), 11, 0);
        Image after = Seen(new Augmenter([.. list, new VerticalFlipOptions { Probability = 1 }], s_input, 3), 11, 0);
        AssertSame(ImageFlip.Vertical(before), after);
    }

    [Fact]
    public void A_list_that_begins_with_a_crop_sees_the_file_s_picture_and_others_the_model_s_size()
    {
        int prepared = 0;
        Image Prepare(Image image)
        {
            prepared++;
            return ImageResize.Apply(image, 32, 24);
        }

        new Augmenter([new RandomResizedCropOptions()], s_input, 0).Apply(s_noise, 0, 0, Prepare);
        Assert.Equal(0, prepared);
        Image seen = new Augmenter([new HorizontalFlipOptions { Probability = 1 }], s_input, 0).Apply(s_noise, 0, 0, Prepare);
        Assert.Equal(1, prepared);
        AssertSame(ImageFlip.Horizontal(ImageResize.Apply(s_noise, 32, 24)), seen);
        Assert.False(new Augmenter([], s_input, 0).Varies);
        Assert.Null(new Augmenter([new HorizontalFlipOptions()], s_input, 0).Mix([0, 1], 0));

        ImageInput grey = new(28, 28, [0.13f], [0.31f]);
        Assert.Equal(1, new Augmenter([new RandAugmentOptions()], grey, 0).Apply(s_noise, 0, 0, image => ImageResize.Apply(image, 28, 28)).Channels);
    }

    private static Augmenter All(ulong seed) => new(
        [
            new RandomResizedCropOptions(), new HorizontalFlipOptions(), new VerticalFlipOptions(), new RandomCropOptions(), new ColorJitterOptions { Brightness = 0.4, Hue = 0.1 },
            new RandomGrayscaleOptions(), new RandomRotationOptions(), new RandAugmentOptions(), new RandomErasingOptions { Fill = ErasedFill.Noise }, new MixupOptions(), new CutMixOptions(),
        ],
        s_input,
        seed);

    private static byte[] See(Augmenter augmenter, int number, int pass) => Seen(augmenter, number, pass).Samples;

    private static Image Seen(Augmenter augmenter, int number, int pass) => augmenter.Apply(s_noise, number, pass, image => ImageResize.Apply(image, 32, 24));

    private static AugmentationContext Context(int number) => new(s_input, new RandomDraws(5, 0, number));

    private static void AssertSame(Image expected, Image actual)
    {
        Assert.Equal((expected.Width, expected.Height, expected.Channels), (actual.Width, actual.Height, actual.Channels));
        Assert.Equal(expected.Samples, actual.Samples);
    }

    private static Image Noise(int width, int height, int channels)
    {
        var image = new Image(width, height, channels);
        uint random = 1;
        for (int i = 0; i < image.Samples.Length; i++)
        {
            random = (random * 1664525u) + 1013904223u;
            image.Samples[i] = (byte)(random >> 24);
        }

        return image;
    }
}
