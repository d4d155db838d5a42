using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Models.Vision;

namespace Hieno.Models.Tests.Vision;

public sealed class ImagePreparationTests
{
    private static readonly ImageInput s_usual = ImageInput.ImageNet(224);

    [Theory]
    [InlineData("""{ "size": { "height": 200, "width": 300 }, "resample": 3 }""", 200, 300, 200, 300, null, ResizeFilter.Bicubic)]
    [InlineData("""{ "size": 224, "feature_extractor_type": "ViTFeatureExtractor" }""", 224, 224, 224, 224, null, ResizeFilter.Bilinear)]
    [InlineData("""{ "size": 224, "do_center_crop": true, "crop_size": 200, "resample": 1 }""", 200, 200, null, null, 224, ResizeFilter.Lanczos)]
    [InlineData("""{ "size": { "shortest_edge": 256 }, "crop_size": { "height": 224, "width": 224 } }""", 224, 224, null, null, 256, ResizeFilter.Bilinear)]
    [InlineData("""{ "size": 256, "crop_size": 224, "do_center_crop": true, "image_processor_type": "DeiTImageProcessor" }""", 224, 224, 256, 256, null, ResizeFilter.Bilinear)]
    [InlineData("""{ "size": { "shortest_edge": 224 }, "crop_pct": 0.875 }""", 224, 224, null, null, 256, ResizeFilter.Bilinear)]
    [InlineData("""{ "size": 384, "crop_pct": 0.875 }""", 384, 384, 384, 384, null, ResizeFilter.Bilinear)]
    [InlineData("""{ "do_resize": false }""", 224, 224, null, null, null, ResizeFilter.Bilinear)]
    public void The_file_of_the_usual_library_says_size_cut_and_filter(string json, int height, int width, int? stretchHeight, int? stretchWidth, int? shorter, ResizeFilter filter)
    {
        ImagePreparation read = Read(json);
        Assert.Equal((height, width), (read.Input.Height, read.Input.Width));
        Assert.Equal(stretchHeight is { } h && stretchWidth is { } w ? (h, w) : null, read.Stretch);
        Assert.Equal(shorter, read.ShorterSide);
        Assert.Equal(filter, read.Filter);
    }

    [Fact]
    public void Numbers_are_samples_scaled_and_shifted_and_a_written_file_says_the_same()
    {
        ImagePreparation read = Read("""{ "size": 2, "rescale_factor": 0.01, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.4, 0.2] }""");
        var picture = new Image(2, 2, 3, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 255]);
        float[] numbers = new float[12];
        read.Write(picture, numbers);
        double[] expected = [.. picture.Samples.Select((sample, i) => ((sample * 0.01) - new[] { 0.1, 0.2, 0.3 }[i % 3]) / new[] { 0.5, 0.4, 0.2 }[i % 3])];
        Assert.All(numbers.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5));
        ImagePreparation again = Read(read.ToJson().ToJsonString());
        float[] same = new float[12];
        again.Write(again.Apply(picture), same);
        Assert.Equal(numbers, same);
        Assert.Equal(read.Filter, again.Filter);
    }

    [Fact]
    public void A_picture_is_made_smaller_and_its_middle_cut_out_and_grey_becomes_three_channels()
    {
        ImagePreparation read = Read("""{ "size": { "shortest_edge": 4 }, "crop_size": { "height": 4, "width": 4 } }""");
        byte[] samples = [.. Enumerable.Range(0, 8 * 16).Select(i => (byte)(i % 16 * 10))];
        Image seen = read.Apply(new Image(16, 8, 1, samples));
        Assert.Equal((4, 4, 3), (seen.Width, seen.Height, seen.Channels));
        Image resized = ImageResize.Apply(new Image(16, 8, 1, samples), 8, 4);
        Assert.Equal(resized.Row(1)[2..6].ToArray(), Enumerable.Range(0, 4).Select(x => seen.Row(1)[x * 3]).ToArray());
    }

    [Theory]
    [InlineData("""{ "size": { "longest_edge": 224 } }""", "size")]
    [InlineData("""{ "resample": 9 }""", "resample")]
    [InlineData("""{ "image_mean": [0.5] }""", "image_mean")]
    [InlineData("""{ "image_std": [0.5, 0.0, 0.1] }""", "image_std")]
    [InlineData("""{ "do_center_crop": true, "size": 3 }""", "crop_size")]
    public void What_cannot_be_done_is_refused(string json, string key) =>
        Assert.Contains($"'{key}'", Assert.Throws<CheckpointException>(() => Read(json)).Message, StringComparison.Ordinal);

    private static ImagePreparation Read(string json) => ImagePreparation.From(ModelConfig.From(JsonDocument.Parse(json).RootElement.Clone(), ImagePreparation.FileName), s_usual);
}
