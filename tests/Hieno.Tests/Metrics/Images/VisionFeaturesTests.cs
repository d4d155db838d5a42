using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Metrics;
using Hieno.Metrics.Images;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Tests.Metrics.Images;

public sealed class VisionFeaturesTests
{
    [Fact]
    public void Features_are_the_means_of_what_the_output_layer_reads_in_the_order_of_the_pictures()
    {
        VisionFeatures random = VisionFeatures.Open(VisionFeatures.RandomName);
        Image[] pictures = [Noise(1, 32, 32), Noise(2, 48, 40), Noise(3, 32, 32)];
        float[] features = random.Describe(pictures);
        Assert.Equal((VisionFeatures.RandomName, 64, 3 * 64), (random.Name, random.Width, features.Length));
        Assert.Equal(features[64..128], random.Describe([pictures[1]]).Select(value => value), new Close());
        Assert.Equal(features, VisionFeatures.Open(VisionFeatures.RandomName).Describe(pictures)); // the same weights each time
        Assert.NotEqual(features[..64], features[128..]);
        Assert.Equal(ErrorCodes.MetricWrongKind, Assert.Throws<MetricException>(() => random.Classify(pictures)).Code);
    }

    [Fact]
    public void Of_a_transformer_the_mean_of_its_vectors_is_taken()
    {
        using JsonDocument config = JsonDocument.Parse("""{ "model_type": "vit", "image_size": 8, "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16 }""");
        VisionModel model = VisionModel.Create(ModelConfig.From(config.RootElement.Clone(), "config.json"), outputs: 3, seed: 1);
        Image picture = Noise(1, 8, 8);
        ImageInput input = model.Family.InputOf(model.Config);
        float[] features = new VisionFeatures(model, "tiny").Describe([picture, picture]);
        float[] numbers = [.. picture.Samples.Select((sample, i) => ((sample / 255f) - input.Mean[i % 3]) / input.Deviation[i % 3])];
        using Tape tape = Tape.Begin(record: false);
        float[] vectors = model.Backbone.Forward(new ImageBatch(Tensor.FromValues([1, 8, 8, 3], numbers))).ToArray();
        Assert.Equal(5 * 8, vectors.Length);
        float[] expected = [.. Enumerable.Range(0, 8).Select(c => vectors.Where((_, i) => i % 8 == c).Average())];
        Assert.Equal(expected, features[..8], new Close());
        Assert.Equal(expected, features[8..], new Close());
    }

    [Fact]
    public void Noise_is_nearer_to_noise_than_to_flat_pictures()
    {
        VisionFeatures random = VisionFeatures.Open(VisionFeatures.RandomName);
        FeatureSet Of(uint seed, int contrast) => FeatureSet.Of(random, Set([.. Enumerable.Range(0, 80).Select(i => Noise((seed * 1000) + (uint)i, 32, 32, contrast))]));
        double near = FrechetDistance.Compute(Of(1, 255), Of(2, 255));
        double far = FrechetDistance.Compute(Of(1, 255), Of(3, 40));
        Assert.InRange(far, 3 * near, double.MaxValue);
    }

    private static ImageSet Set(Image[] pictures) => new([.. pictures.Select((picture, i) => new ImageRow($"picture {i}", null, _ => picture))], []);

    private static Image Noise(uint seed, int width, int height, int contrast = 255)
    {
        var image = new Image(width, height, 3);
        uint random = (seed * 2654435761u) + 1;
        for (int i = 0; i < image.Samples.Length; i++)
        {
            random = (random * 1664525u) + 1013904223u;
            image.Samples[i] = (byte)((random >> 24) * contrast / 255);
        }

        return image;
    }

    private sealed class Close : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => Math.Abs(x - y) < 1e-5;

        public int GetHashCode(float obj) => 0;
    }
}
