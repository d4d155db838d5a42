using Hieno.Augmentation;
using Hieno.Charts;
using Hieno.Formats.Durable;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Models.Vision;

namespace Hieno.Cli.Data;

/// <summary>A contact sheet of what a network sees: some pictures as they are in the files, and in several passes over them.</summary>
internal static class PicturePreview
{
    private const int Rows = 6;

    private const int Passes = 6;

    /// <summary>Writes the sheet as PNG.</summary>
    /// <param name="check">The pictures.</param>
    /// <param name="augment">What is done to them; empty shows what an evaluation sees.</param>
    /// <param name="preparation">How pictures are made ready for the model.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="file">Where to write.</param>
    public static void Write(PictureCheck check, IReadOnlyList<AugmentationOptions> augment, ImagePreparation preparation, ulong seed, string file)
    {
        var augmenter = new Augmenter(augment, preparation.Input, seed);
        int passes = augmenter.Varies ? Passes : 1;
        int[] chosen = [.. Chosen(check)];
        List<Image>[] shown = [.. chosen.Select(i => new List<Image> { check.Pictures[i].Row.Read() })];
        for (int pass = 0; pass < passes; pass++)
        {
            Image[] seen = [.. chosen.Select((number, row) => augmenter.Apply(shown[row][0], number, pass, preparation.Apply))];
            Image[] mixed = augmenter.Mix(chosen, pass) is { } mix ? Mixed(seen, mix) : seen;
            for (int row = 0; row < mixed.Length; row++)
            {
                shown[row].Add(mixed[row]);
            }
        }

        string size = $"{preparation.Input.Width} x {preparation.Input.Height}";
        string[] heads = ["in the file", .. Enumerable.Range(1, passes).Select(pass => passes == 1 ? $"seen, {size}" : $"pass {pass}, {size}")];
        ContactRow[] rows = [.. chosen.Select((i, row) => new ContactRow(Caption(check.Pictures[i]), shown[row]))];
        DurableFile.Replace(file, stream => stream.Write(PngWriter.Encode(new ContactSheet(heads, rows).Draw())));
    }

    // Evenly over the set, which is sorted by class where its folders are.
    private static IEnumerable<int> Chosen(PictureCheck check)
    {
        int count = Math.Min(Rows, check.Pictures.Count);
        return Enumerable.Range(0, count).Select(i => (int)(((long)i * check.Pictures.Count) + (check.Pictures.Count / 2)) / count);
    }

    private static string Caption(CheckedPicture picture) => picture.Row.Label is { } label ? $"{picture.Row.Source}: {label}" : picture.Row.Source;

    // What the network reads is mixed as numbers; shown, as samples.
    private static Image[] Mixed(Image[] pictures, BatchMix mix)
    {
        float[] samples = [.. pictures.SelectMany(picture => picture.Samples).Select(sample => (float)sample)];
        (int width, int height, int channels) = (pictures[0].Width, pictures[0].Height, pictures[0].Channels);
        mix.Apply(samples, height, width);
        return [.. samples.Chunk(width * height * channels).Select(each => new Image(width, height, channels, Array.ConvertAll(each, sample => (byte)MathF.Round(sample))))];
    }
}
