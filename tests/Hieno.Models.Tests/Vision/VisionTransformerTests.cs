using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision;

/// <summary>What all vision transformers share.</summary>
public sealed class VisionTransformerTests
{
    private const string Config =
        """{ "model_type": "vit", "image_size": 8, "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16 }""";

    [Fact]
    public void Places_of_a_larger_picture_are_interpolated_and_those_of_special_vectors_are_not()
    {
        VisionModel model = Create();
        Parameter places = model.Parameters().Single(p => p.Name == "vit.embeddings.position_embeddings");
        float[] table = [.. Enumerable.Repeat(7f, 8), .. Enumerable.Repeat(-2f, 4 * 8)];
        using var tape = Tape.Begin(record: false);
        float[] without = Stem(model, places, new float[table.Length]);
        float[] with = Stem(model, places, table);
        float[] difference = [.. with.Zip(without, (a, b) => a - b)];
        Assert.Equal(10 * 8, difference.Length); // a class vector and 3 × 3 patches
        Assert.All(difference[..8], value => Assert.Equal(7f, value, 1e-5));
        Assert.All(difference[8..], value => Assert.Equal(-2f, value, 1e-5));
    }

    // PyTorch 1.13's interpolate of 1, 2 (size=3, mode='bicubic', align_corners=False).
    [Fact]
    public void Places_between_patches_lie_between_their_vectors()
    {
        VisionModel model = Create();
        Parameter places = model.Parameters().Single(p => p.Name == "vit.embeddings.position_embeddings");
        float[] table = [.. Enumerable.Repeat(0f, 8), .. Enumerable.Repeat(1f, 8), .. Enumerable.Repeat(2f, 8), .. Enumerable.Repeat(1f, 8), .. Enumerable.Repeat(2f, 8)];
        using var tape = Tape.Begin(record: false);
        float[] without = Stem(model, places, new float[table.Length]);
        float[] difference = [.. Stem(model, places, table).Zip(without, (a, b) => a - b)];
        float[] across = [difference[8], difference[16], difference[24]];
        float[] expected = [0.9132f, 1.5f, 2.0868f];
        Assert.All(expected.Zip(across), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.All(expected.Zip([difference[32], difference[40], difference[48]]), pair => Assert.Equal(pair.First, pair.Second, 1e-4)); // the same in every row
    }

    [Fact]
    public void Interpolated_places_learn()
    {
        VisionModel model = Create();
        Parameter places = model.Parameters().Single(p => p.Name == "vit.embeddings.position_embeddings");
        places.Trainable = true;
        using var tape = Tape.Begin();
        tape.Backward(Ops.Sum(model.Classify(Pictures(12))));
        Assert.All(places.Value.Grad!.ToArray().Chunk(8), vector => Assert.Contains(vector, value => value != 0f));
    }

    private static float[] Stem(VisionModel model, Parameter places, float[] table)
    {
        table.CopyTo(places.Value.Span);
        return model.Backbone.States(Pictures(12))[0].ToArray();
    }

    private static VisionModel Create() => VisionModel.Create(ModelConfig.From(JsonDocument.Parse(Config).RootElement, "config.json"), outputs: 3, seed: 1);

    private static ImageBatch Pictures(int side)
    {
        float[] values = new float[side * side * 3];
        new Rng(1, RngStream.Initialization).FillNormal(values, 0f, 1f, step: 1);
        return new ImageBatch(Tensor.FromValues([1, side, side, 3], values));
    }
}
