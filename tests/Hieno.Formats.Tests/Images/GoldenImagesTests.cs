using System.Text.Json;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Images;

/// <summary>Pictures beside what Pillow makes of them (golden/images, golden/vision_ops).</summary>
public sealed class GoldenImagesTests
{
    private static readonly ImageReadOptions s_asStored = new() { ApplyOrientation = false };

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_picture_has_the_reference_s_pixels()
    {
        string folder = SharedFolder.Require("golden/images");
        using var pixels = SafetensorsFile.Open(Path.Combine(folder, "pixels.safetensors"));
        int compared = 0;
        foreach (var (name, file) in Entries(folder))
        {
            string path = Path.Combine(folder, file.GetProperty("file").GetString()!);
            if (name is "synthetic_cmyk" or "truncated")
            {
                continue; // refused: tested below
            }

            if (pixels.Entries.TryGetValue($"{name}.rgb", out var rgb))
            {
                Compare(name, ImageFile.Read(path, s_asStored).ToRgb(), pixels.Bytes(rgb));
                compared++;
            }

            if (pixels.Entries.TryGetValue($"{name}.rgb_oriented", out var upright))
            {
                Image image = ImageFile.Read(path);
                Assert.Equal([image.Height, image.Width, 3], upright.Shape);
                Compare(name, image.ToRgb(), pixels.Bytes(upright));
            }
        }

        Assert.Equal(29, compared);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void The_samples_of_every_png_are_read_as_they_are_stored()
    {
        string folder = SharedFolder.Require("golden/images");
        using var pixels = SafetensorsFile.Open(Path.Combine(folder, "pixels.safetensors"));
        int compared = 0;
        foreach (var (name, file) in Entries(folder).Where(entry => entry.Name.StartsWith("png_", StringComparison.Ordinal)))
        {
            if (!pixels.Entries.TryGetValue($"{name}.raw", out var raw))
            {
                continue;
            }

            string path = Path.Combine(folder, file.GetProperty("file").GetString()!);
            (PngSamples samples, _) = PngReader.ReadSamples(new ImageBytes(path, File.ReadAllBytes(path)), ImageReadOptions.Default);
            var stored = pixels.Bytes(raw);
            int bytes = stored.Length / samples.Values.Length;
            for (int i = 0; i < samples.Values.Length; i++)
            {
                int expected = bytes == 4 ? BitConverter.ToInt32(stored[(4 * i)..]) : stored[i];
                Assert.Equal(expected, name == "png_1bit" ? samples.Values[i] * Math.Max(expected, 1) : samples.Values[i]); // Pillow has 255 for 1
            }

            compared++;
        }

        Assert.Equal(7, compared);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void A_truncated_picture_and_one_for_printing_are_refused()
    {
        string folder = SharedFolder.Require("golden/images");
        Assert.Equal(ErrorCodes.ImageTruncated, Assert.Throws<ImageException>(() => ImageFile.Read(Path.Combine(folder, "truncated.jpg"))).Code);
        var error = Assert.Throws<ImageException>(() => ImageFile.Read(Path.Combine(folder, "synthetic_cmyk.jpg")));
        Assert.Equal(ErrorCodes.ImageUnsupported, error.Code);
        Assert.Contains("CMYK", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_resized_picture_has_the_reference_s_pixels()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedFolder.Require("golden/vision_ops/cases.json")));
        using var pixels = SafetensorsFile.Open(SharedFolder.Require("golden/vision_ops/pil_resize.safetensors"));
        int compared = 0;
        foreach (var test in document.RootElement.GetProperty("groups").GetProperty("pil_resize").EnumerateObject())
        {
            if (test.Value.TryGetProperty("reducing_gap", out _))
            {
                continue; // a coarse step before the fine one, which only thumbnails use
            }

            Image source = ToImage(pixels, test.Value.GetProperty("source").GetString()!);
            int[] size = [.. test.Value.GetProperty("size_hw").EnumerateArray().Select(n => n.GetInt32())];
            ImageRegion? region = null;
            if (test.Value.TryGetProperty("box_left_top_right_bottom", out var box))
            {
                double[] sides = [.. box.EnumerateArray().Select(n => n.GetDouble())];
                region = new ImageRegion(sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1]);
            }

            var filter = Enum.Parse<ResizeFilter>(test.Value.GetProperty("filter").GetString()!, ignoreCase: true);
            Image resized = ImageResize.Apply(source, size[1], size[0], filter, region);
            Assert.True(pixels.Bytes(pixels.Entries[test.Name]).SequenceEqual(resized.Samples), test.Name);
            compared++;
        }

        Assert.Equal(48, compared);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_real_photograph_is_read()
    {
        string[] files = [.. Directory.EnumerateFiles(SharedFolder.Require("data/ants-bees-256"), "*.jpg", SearchOption.AllDirectories)];
        Assert.Equal(396, files.Length);
        Parallel.ForEach(files, file => Assert.InRange(ImageFile.Read(file).Width, 32, 1024));
    }

    private static IEnumerable<(string Name, JsonElement File)> Entries(string folder)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "images.json")));
        return [.. document.RootElement.GetProperty("images").Clone().EnumerateObject().Select(entry => (entry.Name, entry.Value))];
    }

    // The arithmetic is the reference's, so there is no tolerance.
    private static void Compare(string name, Image image, ReadOnlySpan<byte> expected)
    {
        Assert.Equal(expected.Length, image.Samples.Length);
        int different = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            different += image.Samples[i] == expected[i] ? 0 : 1;
        }

        Assert.True(different == 0, $"{name}: {different} of {expected.Length} samples differ.");
    }

    private static Image ToImage(SafetensorsFile file, string name)
    {
        var entry = file.Entries[name];
        return new Image((int)entry.Shape[1], (int)entry.Shape[0], entry.Shape.Length == 2 ? 1 : (int)entry.Shape[2], file.Bytes(entry).ToArray());
    }
}
