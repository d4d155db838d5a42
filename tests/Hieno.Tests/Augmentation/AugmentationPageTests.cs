using System.Text.RegularExpressions;
using Hieno.Augmentation;
using Hieno.Charts;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Models.Vision;
using Hieno.Recipes;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Augmentation;

/// <summary>The recipe and the picture of docs/augmentation.md. HIENO_ACCEPT=1 draws the picture anew.</summary>
public sealed class AugmentationPageTests
{
    private const int Side = 96;

    private static readonly ImageInput s_input = new(Side, Side, ImageInput.ImageNetMean, ImageInput.ImageNetDeviation);

    [Fact]
    public void The_picture_of_the_page_shows_what_its_recipe_does()
    {
        string page = File.ReadAllText(Path.Combine(SharedFolder.RepositoryRoot, "docs", "augmentation.md"));
        string recipe = Regex.Match(page, "^```yaml\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline).Groups["text"].Value;
        IReadOnlyList<AugmentationOptions> list = RecipeFile.Parse<Augmented>(recipe, "docs/augmentation.md", RecipeFormat.Yaml, BuiltIns.Kinds()).Value.Augment;
        Assert.Equal(6, list.Count);

        Image sheet = Draw([.. list, new MixupOptions { Alpha = 1 }, new CutMixOptions()]);
        string file = Path.Combine(SharedFolder.RepositoryRoot, "docs", "augmentation.png");
        if (Environment.GetEnvironmentVariable("HIENO_ACCEPT") == "1")
        {
            File.WriteAllBytes(file, PngWriter.Encode(sheet));
        }

        Image shown = ImageFile.Read(file);
        Assert.Equal((sheet.Width, sheet.Height), (shown.Width, shown.Height));
        Assert.True(sheet.Samples.AsSpan().SequenceEqual(shown.Samples), "docs/augmentation.png is not what the code draws. HIENO_ACCEPT=1 draws it anew.");
    }

    private static Image Draw(IReadOnlyList<AugmentationOptions> list)
    {
        Image[] pictures = [House(), Boat()];
        KindCatalog kinds = BuiltIns.Kinds();
        var rows = new List<ContactRow>();
        foreach (AugmentationOptions options in list)
        {
            var augmenter = new Augmenter([options], s_input, seed: 5);
            List<Image> shown = [pictures[rows.Count % 2]];
            for (int pass = 0; pass < 6; pass++)
            {
                Image[] seen = [.. pictures.Select((picture, number) => augmenter.Apply(picture, number, pass, image => ImageResize.Apply(image, Side, Side)))];
                shown.Add(augmenter.Mix([0, 1], pass) is { } mix ? Mixed(seen, mix)[rows.Count % 2] : seen[rows.Count % 2]);
            }

            rows.Add(new ContactRow(kinds.KindOf(typeof(AugmentationOptions), options.GetType()), shown));
        }

        return new ContactSheet(["in the file", .. Enumerable.Range(1, 6).Select(pass => $"pass {pass}")], rows, Side).Draw();
    }

    private static Image[] Mixed(Image[] pictures, BatchMix mix)
    {
        float[] samples = [.. pictures.SelectMany(picture => picture.Samples).Select(sample => (float)sample)];
        mix.Apply(samples, Side, Side);
        return [.. samples.Chunk(Side * Side * 3).Select(each => new Image(Side, Side, 3, Array.ConvertAll(each, sample => (byte)MathF.Round(sample))))];
    }

    // Drawn, so that the page needs nobody's photograph.
    private static Image House() => Paint((x, y) =>
        Near(x, y, 0.82, 0.18, 0.1) ? (250, 214, 70)
        : y is > 0.3 and < 0.5 && Math.Abs(x - 0.36) < (y - 0.3) * 1.2 ? (150, 40, 36)
        : x is > 0.16 and < 0.56 && y is > 0.5 and < 0.82
            ? (x is > 0.4 and < 0.49 && y > 0.64 ? (92, 58, 30) : x is > 0.22 and < 0.32 && y is > 0.58 and < 0.68 ? (180, 220, 240) : (226, 196, 150))
        : Near(x, y, 0.76, 0.56, 0.11) ? (44, 110, 52)
        : x is > 0.745 and < 0.775 && y is > 0.6 and < 0.82 ? (96, 66, 40)
        : y > 0.78 ? (96, 150, 70)
        : ((int)(120 + (90 * y)), (int)(180 + (60 * y)), 240));

    private static Image Boat() => Paint((x, y) =>
        y is > 0.18 and < 0.6 && x > 0.46 && x - 0.46 < (y - 0.18) * 0.7 ? (244, 240, 230)
        : y is > 0.26 and < 0.6 && x < 0.43 && 0.43 - x < (y - 0.26) * 0.6 ? (214, 70, 60)
        : x is > 0.43 and < 0.46 && y is > 0.14 and < 0.64 ? (90, 60, 40)
        : y is > 0.63 and < 0.74 && x > 0.2 + ((y - 0.63) * 0.8) && x < 0.74 - ((y - 0.63) * 0.8) ? (120, 74, 40)
        : y > 0.7 ? (30, 90 + (int)(40 * Math.Abs(Math.Sin((x * 18) + (y * 40)))), 150)
        : (236, (int)(190 + (50 * (1 - y))), (int)(170 + (70 * (1 - y)))));

    private static bool Near(double x, double y, double centreX, double centreY, double radius) => ((x - centreX) * (x - centreX)) + ((y - centreY) * (y - centreY)) < radius * radius;

    private static Image Paint(Func<double, double, (int Red, int Green, int Blue)> colour)
    {
        const int Size = 160;
        var image = new Image(Size, Size, 3);
        for (int i = 0; i < Size * Size; i++)
        {
            (int red, int green, int blue) = colour((i % Size) / (double)Size, (i / Size) / (double)Size);
            (image.Samples[3 * i], image.Samples[(3 * i) + 1], image.Samples[(3 * i) + 2]) = ((byte)red, (byte)green, (byte)blue);
        }

        return image;
    }

    private sealed record Augmented
    {
        public required IReadOnlyList<AugmentationOptions> Augment { get; init; }
    }
}
