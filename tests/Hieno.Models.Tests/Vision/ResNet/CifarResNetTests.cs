using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision.ResNet;

/// <summary>Residual networks for small pictures.</summary>
public sealed class CifarResNetTests
{
    private const int Classes = 10;

    // What PyTorch 1.13 gives with the same weights and pictures: 81.35 % and 83.15 % right.
    [SkippableTheory]
    [Trait("tier", "checkpoint")]
    [InlineData("resnet20-12fca82f", 20, 1627, 7.890106f, 6.973784f)]
    [InlineData("resnet56-4bfd9763", 56, 1663, 10.606059f, 7.038968f)]
    public void Published_weights_classify_as_in_pytorch(string file, int depth, int right, float cat, float ship)
    {
        using var weights = new PublishedWeights($"data/resnet-cifar10/{file}.safetensors", ConfigOf(depth));
        VisionModel model = weights.Load(Classes);
        Assert.Empty(model.NewlyInitialized);
        Assert.Empty(model.Unused);
        var pictures = new CifarPictures();
        float[] numbers = Classify(model, pictures);

        Assert.Equal(cat, numbers[0], 1e-4);
        Assert.Equal(ship, numbers[8], 1e-4);
        Assert.Equal(right, Enumerable.Range(0, pictures.Count).Count(i => Largest(numbers.AsSpan(i * Classes, Classes)) == pictures.Label(i)));
    }

    [SkippableFact]
    [Trait("tier", "checkpoint")]
    public void The_file_that_PyTorch_saved_gives_the_same_numbers_as_its_safetensors_twin()
    {
        using var twin = new PublishedWeights("data/resnet-cifar10/resnet20-12fca82f.safetensors", ConfigOf(20));
        using var torch = new PublishedWeights("data/resnet-cifar10/resnet20-12fca82f.th", ConfigOf(20));
        VisionModel model = torch.Load(Classes);
        Assert.Empty(model.NewlyInitialized);
        var batch = new ImageBatch(OnePicture());
        Assert.Equal(twin.Load(Classes).Classify(batch).ToArray(), model.Classify(batch).ToArray());
    }

    [Theory]
    [InlineData(20, 269_722)]
    [InlineData(32, 464_154)]
    [InlineData(44, 658_586)]
    [InlineData(56, 853_018)]
    [InlineData(110, 1_727_962)]
    public void Depths_have_the_published_number_of_weights(int depth, long weights) =>
        Assert.Equal(weights, VisionModel.Create(Config(ConfigOf(depth)), Classes, seed: 1).Parameters().Sum(parameter => parameter.Count));

    [Fact]
    public void A_depth_between_those_there_are_is_refused()
    {
        var fault = Assert.Throws<CheckpointException>(() => VisionModel.Create(Config(ConfigOf(21)), Classes, seed: 1));
        Assert.Contains("'depth' is 21, expected 6·n + 2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_frozen_network_keeps_its_running_statistics_in_training()
    {
        VisionModel model = VisionModel.Create(Config(ConfigOf(20)), Classes, seed: 1);
        float[][] before = [.. model.Buffers().Select(buffer => buffer.Value.ToArray())];
        var batch = new ImageBatch(OnePicture());
        using (Tape.Begin(dropout: new DropoutSource(new Rng(1, RngStream.Dropout), pass: 0)))
        {
            model.Classify(batch);
        }

        Assert.Equal(before, model.Buffers().Select(buffer => buffer.Value.ToArray()));
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = true;
        }

        using (Tape.Begin(dropout: new DropoutSource(new Rng(1, RngStream.Dropout), pass: 0)))
        {
            model.Classify(batch);
        }

        Assert.All(model.Buffers().Zip(before), pair => Assert.NotEqual(pair.Second, pair.First.Value.ToArray()));
    }

    private static Tensor OnePicture()
    {
        float[] values = new float[32 * 32 * 3];
        new Rng(2, RngStream.Augmentation).FillNormal(values, 0f, 1f, step: 0);
        Tensor picture = Tensor.CreateLongLived([1, 32, 32, 3]);
        picture.Backend.CopyFromHost(values, picture);
        return picture;
    }

    private static float[] Classify(VisionModel model, CifarPictures pictures)
    {
        const int AtOnce = 250;
        ImageInput input = model.Family.InputOf(model.Config);
        var numbers = new List<float>();
        for (int first = 0; first < pictures.Count; first += AtOnce)
        {
            using var tape = Tape.Begin(record: false);
            numbers.AddRange(model.Classify(pictures.Batch(first, AtOnce, input)).ToArray());
        }

        return [.. numbers];
    }

    private static int Largest(ReadOnlySpan<float> numbers)
    {
        int largest = 0;
        for (int i = 1; i < numbers.Length; i++)
        {
            largest = numbers[i] > numbers[largest] ? i : largest;
        }

        return largest;
    }

    private static string ConfigOf(int depth) => $$"""{ "model_type": "cifar-resnet", "depth": {{depth}} }""";

    private static ModelConfig Config(string json) => ModelConfig.From(JsonDocument.Parse(json).RootElement, "config.json");
}
