using System.Text.Json;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;

namespace Hieno.Cli.Tests.Commands;

public sealed class PictureLintTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-pictures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Broken_repeated_and_leaked_pictures_are_told_with_what_is_in_the_set()
    {
        Save("train/ants/1.png", Noise(1, 20, 10, 3));
        Save("train/ants/2.png", Noise(2, 30, 12, 1));
        Save("train/bees/3.png", Noise(1, 20, 10, 3)); // the same as the first, as another class
        Save("train/bees/4.png", Noise(4, 40, 16, 4));
        string broken = At("train/bees/5.png");
        File.WriteAllBytes(broken, PngWriter.Encode(Noise(5, 8, 8, 3))[..60]);
        Save("test/ants/9.png", Noise(2, 30, 12, 1));

        CliRun run = await CliRun.Of("lint", At("train"), "--against", At("test"));

        Assert.Equal((ExitCode.Failed, string.Empty), (run.Code, run.Error));
        Assert.StartsWith($"error HN2102: {broken}: ", run.Lines[1], StringComparison.Ordinal);
        Assert.Contains("pictures  4 to learn from, 1 with faults", run.Lines);
        Assert.Contains("width     20 to 40 pixels, median 30", run.Lines);
        Assert.Contains("colours   3 with colours, 1 grey, 1 with alpha, which is left out", run.Lines);
        Assert.Contains("  ants          2   50 %", run.Lines);
        Assert.Contains($"  {At("train/bees/3.png")} as {At("train/ants/1.png")}, labels bees and ants", run.Lines);
        Assert.Contains("leaks     1 pictures are in the other set as well: a test with them measures memory", run.Lines);
        Assert.Equal("1 faults", run.Lines[^1]);

        using JsonDocument json = JsonDocument.Parse((await CliRun.Of("lint", At("train"), "--against", At("test"), "--json")).Output);
        Assert.True(json.RootElement.GetProperty("repeated")[0].GetProperty("contradicts").GetBoolean());
        Assert.Equal(At("test/ants/9.png"), json.RootElement.GetProperty("leaks")[0].GetProperty("other").GetString());
    }

    [Fact]
    public async Task A_table_s_faulty_rows_are_all_told()
    {
        Save("a.png", Noise(1, 8, 8, 3));
        File.WriteAllText(At("rows.csv"), "image,label\na.png,ant\nb.png,bee\nc.png,bee\n");

        CliRun run = await CliRun.Of("lint", At("rows.csv"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith($"error HN1210: {At("rows.csv")}, line 3: there is no picture 'b.png'", run.Lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"error HN1210: {At("rows.csv")}, line 4: ", run.Lines[2], StringComparison.Ordinal);
        Assert.Contains("pictures  1 to learn from, 2 with faults", run.Lines);
    }

    [Fact]
    public async Task The_preview_shows_files_and_passes_and_is_the_same_each_time()
    {
        for (int i = 0; i < 8; i++)
        {
            Save($"train/{(i < 4 ? "ants" : "bees")}/{i}.png", Noise((uint)i, 40, 30, 3));
        }

        string sheet = At("sheet.png");
        CliRun run = await CliRun.Of("lint", At("train"), "--preview", sheet, "--augment", "random-resized-crop,{ kind: color-jitter, brightness: 0.4 },mixup", "--seed", "3");

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Equal($"written: {sheet}", run.Lines[^1]);
        byte[] bytes = File.ReadAllBytes(sheet);
        Assert.Equal((8 + (7 * 136), 14 + (6 * 150) + 8), (ImageFile.Read(sheet).Width, ImageFile.Read(sheet).Height));
        await CliRun.Of("lint", At("train"), "--preview", sheet, "--augment", "random-resized-crop,{ kind: color-jitter, brightness: 0.4 },mixup", "--seed", "3");
        Assert.Equal(bytes, File.ReadAllBytes(sheet));
        await CliRun.Of("lint", At("train"), "--preview", sheet, "--augment", "random-resized-crop,{ kind: color-jitter, brightness: 0.4 },mixup", "--seed", "4");
        Assert.NotEqual(bytes, File.ReadAllBytes(sheet));
        await CliRun.Of("lint", At("train"), "--preview", sheet);
        Assert.Equal(8 + (2 * 136), ImageFile.Read(sheet).Width);
    }

    [Fact]
    public async Task A_preview_to_another_kind_of_file_or_of_an_unknown_augmentation_is_refused()
    {
        Save("train/ants/1.png", Noise(1, 8, 8, 3));
        CliRun kind = await CliRun.Of("lint", At("train"), "--preview", "sheet.jpg");
        Assert.Equal(ExitCode.Usage, kind.Code);
        Assert.Contains("for pictures it is a file that ends in .png", kind.Error, StringComparison.Ordinal);
        CliRun name = await CliRun.Of("lint", At("train"), "--preview", At("sheet.png"), "--augment", "randaument");
        Assert.Equal(ExitCode.Usage, name.Code);
        Assert.Contains("Did you mean 'randaugment'?", name.Error, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void Save(string name, Image image)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), PngWriter.Encode(image));
    }

    private static Image Noise(uint seed, int width, int height, int channels)
    {
        var image = new Image(width, height, channels);
        uint random = (seed * 2654435761u) + 1;
        for (int i = 0; i < image.Samples.Length; i++)
        {
            random = (random * 1664525u) + 1013904223u;
            image.Samples[i] = (byte)(random >> 24);
        }

        return image;
    }
}
