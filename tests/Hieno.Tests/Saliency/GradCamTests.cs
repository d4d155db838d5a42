using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Saliency;
using Hieno.Tensors;
using Hieno.Tests.Vision;

namespace Hieno.Tests.Saliency;

public sealed class GradCamTests
{
    private const string TinyTransformer =
        """{ "model_type": "vit", "image_size": 8, "patch_size": 2, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "initializer_range": 0.4 }""";

    [Fact]
    public void Before_a_mean_and_a_linear_layer_the_map_is_the_features_weighted_by_that_layer()
    {
        VisionModel model = TinyVision.Model();
        new Rng(2, RngStream.Initialization).FillNormal(model.Parameters().Single(parameter => parameter.Name == "linear.weight").Value.Span, 0f, 1f, 0);
        foreach (ModuleBuffer mean in model.Buffers().Where(buffer => buffer.Name.EndsWith("running_mean", StringComparison.Ordinal)))
        {
            mean.Value.Span.Clear(); // else rectifiers let nothing through
        }

        ImageBatch batch = TinyVision.Batch();
        IReadOnlyList<SaliencyMap> maps = GradCam.Of(model, batch, [2, 0, 1, 1]);

        using var tape = Tape.Begin(record: false);
        Tensor features = model.Backbone.Forward(batch);
        float[] weights = model.Parameters().Single(parameter => parameter.Name == "linear.weight").Value.ToArray();
        int channels = features.Shape[3];
        int places = features.Shape[1] * features.Shape[2];
        float[] values = features.ToArray();
        int[] asked = [2, 0, 1, 1];
        for (int i = 0; i < 4; i++)
        {
            double[] expected = [.. Enumerable.Range(0, places).Select(place =>
                Math.Max(0, Enumerable.Range(0, channels).Sum(c => (double)weights[(asked[i] * channels) + c] * values[(((i * places) + place) * channels) + c])))];
            double strongest = expected.Max();
            Assert.Equal((asked[i], features.Shape[1], features.Shape[2]), (maps[i].Class, maps[i].Height, maps[i].Width));
            Assert.All(expected.Zip(maps[i].Values), pair => Assert.Equal(strongest > 0 ? pair.First / strongest : 0, pair.Second, 1e-5));
        }

        Assert.All(maps, map => Assert.Equal(1, map.Values.Max()));
    }

    [Fact]
    public void Weights_of_a_transformer_s_features_are_the_slopes_of_the_class_s_output()
    {
        VisionModel model = VisionModel.Create(ModelConfig.From(JsonDocument.Parse(TinyTransformer).RootElement.Clone(), "config.json"), outputs: 3, seed: 4);
        ImageBatch batch = TinyVision.Batch();
        SaliencyMap map = GradCam.Of(model, batch, [0, 0, 0, 0])[0];
        Assert.Equal((4, 4), (map.Height, map.Width));

        using var tape = Tape.Begin(record: false);
        Tensor state = model.Backbone.States(batch)[1];
        float[] values = state.ToArray();
        double[] expected = new double[16];
        for (int c = 0; c < 8; c++)
        {
            // How the output changes as this number of all patches of the first picture is raised together; its first vector is that of the class.
            const float Step = 1e-2f;
            float Output(float by)
            {
                float[] moved = [.. values];
                for (int place = 1; place <= 16; place++)
                {
                    moved[(place * 8) + c] += by;
                }

                return model.Head.Forward(model.Backbone.Resume(Tensor.FromValues(state.Shape, moved), 1, batch), batch).ToArray()[0];
            }

            double slope = (Output(Step) - Output(-Step)) / (2 * Step);
            for (int place = 0; place < 16; place++)
            {
                expected[place] += slope * values[((place + 1) * 8) + c];
            }
        }

        expected = Array.ConvertAll(expected, value => Math.Max(0, value));
        Assert.True(expected.Max() > 0);
        Assert.All(expected.Zip(map.Values), pair => Assert.Equal(pair.First / expected.Max(), pair.Second, 2e-3));
    }

    [Fact]
    public void The_class_with_the_largest_output_is_asked_about_and_the_model_stays_as_it_is()
    {
        VisionModel model = TinyVision.Model();
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = true;
        }

        float[] before = TinyVision.Output(model);
        IReadOnlyList<SaliencyMap> maps = GradCam.Of(model, TinyVision.Batch());
        for (int i = 0; i < 4; i++)
        {
            float[] row = before[(i * 3)..((i * 3) + 3)];
            Assert.Equal(Array.IndexOf(row, row.Max()), maps[i].Class);
        }

        Assert.Equal(before, TinyVision.Output(model));
        Assert.All(model.Parameters(), parameter => Assert.True(parameter.Trainable && parameter.Value.Grad is null));
    }

    [Fact]
    public void The_map_colours_the_picture_where_it_is_strong_and_nowhere_else()
    {
        var grey = new Image(8, 8, 1);
        grey.Samples.AsSpan().Fill(100);
        Image over = new SaliencyMap(0, 2, 2, [1, 0, 0, 0]).Overlay(grey);
        Assert.Equal((8, 8, 3), (over.Width, over.Height, over.Channels));
        Assert.Equal([201, 35, 35], over.Row(0)[..3].ToArray()); // 65 % red over 35 % of the picture
        Assert.Equal([100, 100, 100], over.Row(7)[^3..].ToArray());
    }
}
