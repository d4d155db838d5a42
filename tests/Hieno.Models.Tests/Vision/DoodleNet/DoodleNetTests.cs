using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision.DoodleNet;

/// <summary>A small network that was trained on drawings.</summary>
public sealed class DoodleNetTests
{
    private const string Config = """{ "model_type": "doodlenet" }""";

    [SkippableFact]
    [Trait("tier", "checkpoint")]
    public void Published_weights_compute_what_pytorch_computes_of_them()
    {
        using var weights = new PublishedWeights("data/doodlenet/doodlenet.safetensors", Config);
        VisionModel model = weights.Load(345);
        Assert.Empty(model.NewlyInitialized);
        Assert.Empty(model.Unused);

        using var tape = Tape.Begin(record: false);
        float[] pixels = [.. Enumerable.Range(0, 28 * 28).Select(i => i * 37 % 256 / 255f)];
        float[] numbers = model.Classify(new ImageBatch(Tensor.FromValues([1, 28, 28, 1], pixels))).ToArray();
        Assert.Equal(-1.608411, numbers[0], 1e-4);
        Assert.Equal(-1.529616, numbers[1], 1e-4);
        Assert.Equal(-3.675511, numbers[2], 1e-4);
        Assert.Equal(4.303052, numbers.Max(), 1e-4);
        Assert.Equal(293, Array.IndexOf(numbers, numbers.Max()));
    }

    [Fact]
    public void Pictures_of_another_size_are_refused()
    {
        VisionModel model = VisionModel.Create(ModelConfig.From(JsonDocument.Parse(Config).RootElement, "config.json"), 10, seed: 1);
        using var tape = Tape.Begin(record: false);
        var fault = Assert.Throws<ShapeException>(() => model.Classify(new ImageBatch(Tensor.FromValues([1, 32, 32, 1], new float[1024]))));
        Assert.Contains("pictures are [1, 32, 32, 1], expected [N, 28, 28, 1]", fault.Message, StringComparison.Ordinal);
    }
}
