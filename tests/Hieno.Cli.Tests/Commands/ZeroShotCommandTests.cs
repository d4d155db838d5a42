using Hieno.Models.Vision;
using Hieno.Tests.Vision;

namespace Hieno.Cli.Tests.Commands;

public sealed class ZeroShotCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-zero-shot-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_classifier_is_made_of_names_and_prompts()
    {
        string clip = TinyClip.Save(Path.Combine(_folder, "clip"));
        string output = Path.Combine(_folder, "classifier");
        CliRun run = await CliRun.Of("zero-shot", clip, "--classes", "0,1", "--words", "cat,dog", "--prompt", "a photo of a {}", "--prompt", "the drawing of a {}", "--out", output);
        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Equal([$"model   {output} (2 classes, 2 prompts each)"], run.Lines);
        VisionModel model = VisionModel.Load(output, 2);
        Assert.Empty(model.NewlyInitialized);
        Assert.Equal(["0", "1"], model.Config.GetLabels());
    }

    [Fact]
    public async Task Both_models_can_be_looked_at()
    {
        string clip = TinyClip.Save(Path.Combine(_folder, "clip"));
        string output = Path.Combine(_folder, "classifier");
        await CliRun.Of("zero-shot", clip, "--classes", "cat,dog", "--out", output);
        CliRun whole = await CliRun.Of("inspect", clip);
        CliRun tower = await CliRun.Of("inspect", output, "--against", output);
        Assert.Equal((ExitCode.Done, ExitCode.Done), (whole.Code, tower.Code));
        Assert.StartsWith($"{clip}: clip, 3 blocks of width 6", whole.Lines[0], StringComparison.Ordinal);
        Assert.Contains(tower.Lines, line => line.StartsWith("attention.1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_does_not_fit_together_is_refused()
    {
        string clip = TinyClip.Save(Path.Combine(_folder, "clip"));
        string output = Path.Combine(_folder, "classifier");
        CliRun few = await CliRun.Of("zero-shot", clip, "--classes", "0,1", "--words", "cat", "--out", output);
        CliRun twice = await CliRun.Of("zero-shot", clip, "--classes", "cat,cat", "--out", output);
        CliRun bare = await CliRun.Of("zero-shot", clip, "--classes", "cat,dog", "--prompt", "a photo", "--out", output);
        CliRun used = await CliRun.Of("zero-shot", clip, "--classes", "cat,dog", "--out", clip);
        Assert.Equal([ExitCode.Usage, ExitCode.Usage, ExitCode.Usage, ExitCode.Failed], [few.Code, twice.Code, bare.Code, used.Code]);
        Assert.Contains("there are 2 classes and 1 words", few.Error, StringComparison.Ordinal);
        Assert.Contains("'cat' is named twice", twice.Error, StringComparison.Ordinal);
        Assert.Contains("'a photo' has no {}", bare.Error, StringComparison.Ordinal);
        Assert.Contains("there is something at this place already", used.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));
    }
}
