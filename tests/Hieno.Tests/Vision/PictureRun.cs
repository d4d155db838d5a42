using Hieno.Augmentation;
using Hieno.Data;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Vision;

/// <summary>Pictures of 12 × 9 pixels in a folder for each of three colours, and recipes that learn to tell them apart.</summary>
internal sealed class PictureRun : IDisposable
{
    private static readonly string[] s_names = ["blue", "green", "red"];
    private readonly TemporaryFolder _folder = new();

    public PictureRun(int perClass = 8)
    {
        Base = _folder.PathOf("base");
        Data = _folder.PathOf("pictures");
        Directory.CreateDirectory(Base);
        File.WriteAllText(Path.Combine(Base, "config.json"), TinyVision.Config().Json.GetRawText());
        for (int label = 0; label < s_names.Length; label++)
        {
            Directory.CreateDirectory(Path.Combine(Data, s_names[label]));
            for (int i = 0; i < perClass; i++)
            {
                File.WriteAllBytes(PathOf(label, i), PngWriter.Encode(Picture(label, i)));
            }
        }
    }

    public string Base { get; }

    public string Data { get; }

    public string Root => _folder.Path;

    public string PathOf(int label, int i) => Path.Combine(Data, s_names[label], $"{i}.png");

    /// <summary>A recipe that trains all weights from random ones, with pictures flipped and cut at random.</summary>
    public Recipe Recipe(string output = "run", TuningOptions? tuning = null, TrainingOptions? training = null, DataOptions? data = null, ObjectiveOptions? task = null, string? baseModel = null) => new()
    {
        Base = baseModel ?? Base,
        Start = baseModel is null ? Start.Random : Start.Pretrained,
        Task = task ?? new ImageClassificationOptions(),
        Data = data ?? Augmented(),
        Tuning = tuning ?? new FullOptions(),
        Training = training ?? Training(),
        Output = _folder.PathOf(output),
        Seed = 7,
    };

    public static TrainingOptions Training(int epochs = 2) => new()
    {
        Epochs = epochs,
        BatchSize = 4,
        Accumulation = 2,
        LearningRate = 0.01,
        Optimizer = new SgdOptions { Momentum = 0.9 },
    };

    public DataOptions Plain() => new() { Train = [Data], Test = Data };

    public DataOptions Augmented() => Plain() with { Augment = [new HorizontalFlipOptions(), new RandomCropOptions(), new MixupOptions()] };

    public void Dispose() => _folder.Dispose();

    private static Image Picture(int label, int i)
    {
        byte[] samples = new byte[9 * 12 * 3];
        var rng = new Rng((ulong)i, RngStream.Sampling);
        for (int k = 0; k < samples.Length; k++)
        {
            samples[k] = (byte)(rng.Below(120, (ulong)label, (ulong)k) + (k % 3 == 2 - label ? 120 : 0));
        }

        return new Image(12, 9, 3, samples);
    }
}
