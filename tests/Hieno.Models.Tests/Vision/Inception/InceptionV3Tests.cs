using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision.Inception;

/// <summary>What Inception-v3 does beside what torchvision's values show.</summary>
public sealed class InceptionV3Tests
{
    [Fact]
    public void Pictures_too_small_for_the_auxiliary_output_are_refused_in_training_only()
    {
        VisionModel model = Create("""{ "model_type": "torchvision-inception-v3" }""");
        var batch = new ImageBatch(Picture(80));
        using (Tape.Begin(record: false))
        {
            Assert.Equal("[1, 3]", model.Classify(batch).Shape.ToString());
            Assert.Null(model.Head.Auxiliary);
        }

        using (Tape.Begin(dropout: new DropoutSource(new Rng(1, RngStream.Dropout), pass: 0)))
        {
            Assert.Contains("\"aux_logits\": false", Assert.Throws<ShapeException>(() => model.Classify(batch)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Pixels_are_scaled_as_the_published_weights_expect()
    {
        // What ImageNet's statistics scaled is undone: (p − mean) / deviation becomes (p − ½) / ½.
        float[] seen = Classify("""{ "model_type": "torchvision-inception-v3", "aux_logits": false }""", p => (p - 0.456f) / 0.224f);
        float[] plain = Classify("""{ "model_type": "torchvision-inception-v3", "aux_logits": false, "transform_input": false }""", p => (p - 0.5f) / 0.5f);
        Assert.All(seen.Zip(plain), pair => Assert.Equal(1f, pair.First / pair.Second, 1e-4f));
    }

    private static float[] Classify(string config, Func<float, float> green)
    {
        using var tape = Tape.Begin(record: false);
        Tensor picture = Picture(80);
        Span<float> pixels = picture.Span;
        for (int i = 0; i < pixels.Length; i++)
        {
            // Only green varies; red and blue lie at what both scalings call one half.
            pixels[i] = i % 3 == 1 ? green(pixels[i]) : config.Contains("transform_input", StringComparison.Ordinal) ? 0f : i % 3 == 0 ? (0.5f - 0.485f) / 0.229f : (0.5f - 0.406f) / 0.225f;
        }

        return Create(config).Classify(new ImageBatch(picture)).ToArray();
    }

    private static VisionModel Create(string config) => VisionModel.Create(ModelConfig.From(JsonDocument.Parse(config).RootElement, "config.json"), 3, seed: 1);

    private static Tensor Picture(int side)
    {
        float[] pixels = new float[side * side * 3];
        new Rng(2, RngStream.Augmentation).FillUniform(pixels, 0f, 1f, step: 0);
        Tensor picture = Tensor.CreateLongLived([1, side, side, 3]);
        picture.Backend.CopyFromHost(pixels, picture);
        return picture;
    }
}
