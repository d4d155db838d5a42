using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision.TinyDarknet;

/// <summary>A small network that was trained on ImageNet.</summary>
public sealed class TinyDarknetTests
{
    [SkippableFact]
    [Trait("tier", "checkpoint")]
    public void Published_weights_compute_what_pytorch_computes_of_them()
    {
        using var weights = new PublishedWeights("data/tiny-darknet/tinydarknet.safetensors", """{ "model_type": "tiny-darknet" }""");
        VisionModel model = weights.Load(1000);
        Assert.Empty(model.NewlyInitialized);
        Assert.Empty(model.Unused);
        Assert.Equal(1_046_488 - 4_384, model.Parameters().Sum(parameter => parameter.Count)); // without running statistics

        using var tape = Tape.Begin(record: false);
        float[] pixels = [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => i * 37 % 256 / 255f)];
        float[] numbers = model.Classify(new ImageBatch(Tensor.FromValues([1, 64, 64, 3], pixels))).ToArray();
        Assert.Equal(-3.046779, numbers[0], 1e-4);
        Assert.Equal(-0.472977, numbers[1], 1e-4);
        Assert.Equal(1.493608, numbers[2], 1e-4);
        Assert.Equal(8.983672, numbers.Max(), 1e-4);
        Assert.Equal(911, Array.IndexOf(numbers, numbers.Max()));
    }
}
