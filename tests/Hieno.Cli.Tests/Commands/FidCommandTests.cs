using System.Text.Json;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;

namespace Hieno.Cli.Tests.Commands;

public sealed class FidCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-fid-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_network_is_named_beside_the_distance_which_is_not_called_fid()
    {
        Fill("a", 1, 255);
        Fill("b", 500, 60);
        CliRun run = await CliRun.Of("fid", At("a"), At("b"), "--extractor", "random-resnet-20");

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Matches("^Frechet distance [0-9.]+ by the 64 features of random-resnet-20$", run.Lines[0]);
        Assert.Equal($"  {At("a")}: 70 pictures", run.Lines[1]);
        Assert.DoesNotContain("FID", run.Output, StringComparison.Ordinal);

        using JsonDocument json = JsonDocument.Parse((await CliRun.Of("fid", At("a"), At("a"), "--extractor", "random-resnet-20", "--json")).Output);
        Assert.Equal("random-resnet-20", json.RootElement.GetProperty("extractor").GetString());
        Assert.False(json.RootElement.GetProperty("isFid").GetBoolean());
        Assert.InRange(json.RootElement.GetProperty("frechetDistance").GetDouble(), 0, 1e-4);
    }

    [Fact]
    public async Task A_network_that_is_absent_or_has_no_classes_is_refused()
    {
        Fill("a", 1, 255);
        CliRun absent = await CliRun.Of("fid", At("a"), At("a"), "--extractor", At("none"));
        Assert.Equal(ExitCode.Usage, absent.Code);
        Assert.Contains("which is no folder", absent.Error, StringComparison.Ordinal);
        CliRun classes = await CliRun.Of("fid", At("a"), At("a"), "--extractor", "random-resnet-20", "--inception-score");
        Assert.Equal(ExitCode.Failed, classes.Code);
        Assert.Contains("random-resnet-20 has no trained output layer", classes.Error, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void Fill(string name, uint seed, int contrast)
    {
        Directory.CreateDirectory(At(name));
        for (uint i = 0; i < 70; i++)
        {
            var image = new Image(16, 16, 3);
            uint random = ((seed + i) * 2654435761u) + 1;
            for (int k = 0; k < image.Samples.Length; k++)
            {
                random = (random * 1664525u) + 1013904223u;
                image.Samples[k] = (byte)((random >> 24) * contrast / 255);
            }

            File.WriteAllBytes(At($"{name}/{i}.png"), PngWriter.Encode(image));
        }
    }
}
