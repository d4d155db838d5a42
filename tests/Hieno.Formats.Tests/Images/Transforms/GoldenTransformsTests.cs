using System.Runtime.InteropServices;
using System.Text.Json;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Images.Transforms;

/// <summary>Transforms beside what Pillow and torchvision make of a picture (golden/vision_ops/pil_transforms).</summary>
public sealed class GoldenTransformsTests
{
    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_transform_gives_the_reference_s_pixels()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedFolder.Require("golden/vision_ops/cases.json")));
        using var pixels = SafetensorsFile.Open(SharedFolder.Require("golden/vision_ops/pil_transforms.safetensors"));
        Image source = new(53, 37, 3, pixels.Bytes(pixels.Entries["source"]).ToArray());
        int compared = 0;
        foreach (var test in document.RootElement.GetProperty("groups").GetProperty("pil_transforms").EnumerateObject())
        {
            var expected = pixels.Entries[test.Name];
            if (test.Name == "imagenet_eval")
            {
                CompareNormalized(Resize(source, 24, ResizeFilter.Bilinear), MemoryMarshal.Cast<byte, float>(pixels.Bytes(expected)));
            }
            else
            {
                Image result = Apply(test.Value, source);
                Assert.Equal(expected.Shape.Select(extent => (int)extent), expected.Shape.Length == 2 ? [result.Height, result.Width] : [result.Height, result.Width, result.Channels]);
                Compare(test.Name, result, pixels.Bytes(expected));
            }

            compared++;
        }

        Assert.Equal(31, compared);
    }

    private static Image Apply(JsonElement test, Image source)
    {
        double Number(string name, int at = -1) => at < 0 ? test.GetProperty(name).GetDouble() : test.GetProperty(name)[at].GetDouble();
        int Whole(string name, int at = -1) => (int)Number(name, at);
        ResizeFilter filter = test.TryGetProperty("interpolation", out var named) ? Enum.Parse<ResizeFilter>(named.GetString()!, ignoreCase: true) : ResizeFilter.Nearest;
        return test.GetProperty("op").GetString() switch
        {
            "hflip" => ImageFlip.Horizontal(source),
            "vflip" => ImageFlip.Vertical(source),
            "convert L" => source.ToGrey(),
            "to_grayscale 3" => source.ToGrey().ToRgb(),
            "adjust_brightness" => ImageEnhance.Brightness(source, Number("factor")),
            "adjust_contrast" => ImageEnhance.Contrast(source, Number("factor")),
            "adjust_saturation" => ImageEnhance.Saturation(source, Number("factor")),
            "adjust_sharpness" => ImageEnhance.Sharpness(source, Number("factor")),
            "adjust_hue" => ImageHue.Shift(source, Number("factor")),
            "adjust_gamma" => ImageTones.Gamma(source, Number("gamma")),
            "autocontrast" => ImageTones.Autocontrast(source),
            "equalize" => ImageTones.Equalize(source),
            "invert" => ImageTones.Invert(source),
            "posterize" => ImageTones.Posterize(source, Whole("bits")),
            "solarize" => ImageTones.Solarize(source, Number("threshold")),
            "rotate" => ImageAffine.Rotate(source, Number("angle"), filter, test.TryGetProperty("expand", out _)),
            "affine" => ImageAffine.Apply(source, ImageAffine.Map(Number("angle"), Number("translate", 0), Number("translate", 1), Number("scale"),
                Number("shear", 0), Number("shear", 1), source.Width / 2.0, source.Height / 2.0), filter),
            "resized_crop" => ImageResize.Apply(ImageCrop.Apply(source, Whole("left"), Whole("top"), Whole("width"), Whole("height")), Whole("size", 1), Whole("size", 0)),
            "center_crop" => ImageCrop.Center(source, Whole("size", 1), Whole("size", 0)),
            "pad" => ImagePad.Apply(source, Whole("left_top_right_bottom", 0), Whole("left_top_right_bottom", 1), Whole("left_top_right_bottom", 2), Whole("left_top_right_bottom", 3),
                Enum.Parse<PadMode>(test.GetProperty("mode").GetString()!, ignoreCase: true)),
            "resize shorter edge" => Resize(source, Whole("size"), filter == ResizeFilter.Nearest ? ResizeFilter.Bilinear : filter),
            var other => throw new NotSupportedException(other),
        };
    }

    private static Image Resize(Image image, int shorter, ResizeFilter filter)
    {
        (int width, int height) = ImageResize.ShorterSide(image, shorter);
        return ImageResize.Apply(image, width, height, filter);
    }

    // The arithmetic is the reference's, so there is no tolerance, although the reference's own page allows 1.
    private static void Compare(string name, Image image, ReadOnlySpan<byte> expected)
    {
        int different = 0;
        int largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int difference = Math.Abs(image.Samples[i] - expected[i]);
            different += difference > 0 ? 1 : 0;
            largest = Math.Max(largest, difference);
        }

        Assert.True(different == 0, $"{name}: {different} of {expected.Length} samples differ, by up to {largest}.");
    }

    private static void CompareNormalized(Image resized, ReadOnlySpan<float> expected)
    {
        Image middle = ImageCrop.Center(resized, 20, 20);
        float[] mean = [0.485f, 0.456f, 0.406f];
        float[] deviation = [0.229f, 0.224f, 0.225f];
        for (int i = 0; i < expected.Length; i++)
        {
            (int channel, int pixel) = (i / 400, i % 400);
            Assert.Equal(expected[i], ((middle.Samples[(pixel * 3) + channel] / 255f) - mean[channel]) / deviation[channel], 1e-6f);
        }
    }
}
