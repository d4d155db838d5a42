using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests.Vision;

/// <summary>Vectors between the class vector and the patches of pictures.</summary>
public sealed class VisualPromptTests
{
    private const int Width = 8;
    private const string Config =
        """{ "model_type": "vit", "image_size": 8, "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "initializer_range": 0.5 }""";

    // Without places, a picture with another row of patches on top is the same as the picture with these patches' vectors as its prompt.
    [Fact]
    public void A_prompt_is_read_as_patches_are()
    {
        VisionModel model = Create();
        Parameter places = model.Parameters().Single(p => p.Name.EndsWith("position_embeddings", StringComparison.Ordinal));
        places.Value.Backend.Fill(places.Value, 0f);
        using var tape = Tape.Begin(record: false);
        ImageBatch tall = Pictures(height: 12);
        float[] expected = model.Classify(tall).ToArray();

        float[] vectors = model.Backbone.States(tall)[0].ToArray(); // a class vector, then 3 × 2 patches, for each of two pictures
        float[] top = vectors[Width..(3 * Width)];
        vectors.AsSpan((7 + 1) * Width, 2 * Width).ToArray().Zip(top).ToList().ForEach(pair => Assert.Equal(pair.First, pair.Second, 1e-6)); // both pictures have the same top
        new VisualPrompt(Body(model), "default", [Kept([2, Width], top)]).Attach();
        TensorAssert.Close(expected, model.Classify(Pictures(height: 12, withoutTop: true)), 1e-5, 1e-5);
    }

    [Fact]
    public void A_deep_prompt_replaces_what_the_block_below_made_of_the_one_before()
    {
        VisionModel model = Create();
        VisionTransformer body = Body(model);
        (Tensor first, Tensor second) = (Drawn(3, seed: 1), Drawn(3, seed: 2));
        ImageBatch pictures = Pictures(height: 8);
        using var tape = Tape.Begin(record: false);

        var deep = new VisualPrompt(body, "default", [first, second]);
        deep.Attach();
        float[] actual = model.Classify(pictures).ToArray();
        deep.Detach();

        new VisualPrompt(body, "default", [first]).Attach();
        Tensor x = body.RunBlocks(body.States(pictures)[0], 0, 1, pictures);
        float[] rows = x.ToArray();
        foreach (int picture in (int[])[0, 1])
        {
            second.ToArray().CopyTo(rows.AsSpan(((picture * (1 + 3 + 4)) + 1) * Width)); // behind the class vector
        }

        IReadOnlyList<Tensor> states = [Tensor.FromValues(x.Shape, rows)];
        Tensor end = body.RunBlocks(states[0], 1, 2, pictures);
        float[] classVectors = [.. end.ToArray()[..Width], .. end.ToArray()[(8 * Width)..(9 * Width)]];
        float[] alone = Numbers(model, Tensor.FromValues([2, Width], classVectors));
        TensorAssert.Close(alone, Tensor.FromValues([actual.Length], actual), 1e-5, 1e-5);
    }

    [Fact]
    public void Prompts_of_two_adapters_stand_beside_each_other_and_switch_off()
    {
        VisionModel model = Create();
        ImageBatch pictures = Pictures(height: 8);
        using var tape = Tape.Begin(record: false);
        float[] plain = model.Classify(pictures).ToArray();
        VisualPrompt[] prompts = [new(Body(model), "a", [Drawn(1, 1), Drawn(1, 2)]), new(Body(model), "b", [Drawn(2, 3)])];
        Array.ForEach(prompts, prompt => prompt.Attach());
        float[] both = model.Classify(pictures).ToArray();
        prompts[0].Enabled = false;
        float[] second = model.Classify(pictures).ToArray();
        prompts[0].Detach();
        Assert.Equal<IEnumerable<float>>(second, model.Classify(pictures).ToArray());
        Assert.NotEqual<IEnumerable<float>>(both, second);
        prompts[1].Enabled = false;
        Assert.Equal<IEnumerable<float>>(plain, model.Classify(pictures).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_agree_with_differences_also_where_blocks_are_computed_again(bool again)
    {
        VisionModel model = Create();
        model.Backbone.GradientCheckpointing = again;
        var prompt = new VisualPrompt(Body(model), "default", [Drawn(2, 1), Drawn(2, 2)]);
        prompt.Attach();
        foreach (Parameter parameter in prompt.Parameters)
        {
            parameter.Trainable = true;
        }

        ImageBatch pictures = Pictures(height: 8);
        GradientCheck.Verify(new GradientCheckOptions(), () => model.Classify(pictures), [.. prompt.Parameters.Select(p => (p.Name, p.Value))]);
    }

    [Fact]
    public void Vectors_that_do_not_fit_the_body_are_refused()
    {
        VisionTransformer body = Body(Create());
        Assert.Throws<ArgumentException>(() => new VisualPrompt(body, "default", [Kept([2, 7], new float[14])]));
        Assert.Throws<ArgumentException>(() => new VisualPrompt(body, "default", [Drawn(2, 1), Drawn(3, 2)]));
        Assert.Throws<ArgumentException>(() => new VisualPrompt(body, "default", [Drawn(2, 1), Drawn(2, 2), Drawn(2, 3)]));
    }

    // What the last norm and the output layer make of class vectors.
    private static float[] Numbers(VisionModel model, Tensor classVectors)
    {
        Parameter Of(string name) => model.Parameters().Single(p => p.Name == name);
        Tensor normed = Ops.LayerNorm(classVectors, Of("vit.layernorm.weight"), Of("vit.layernorm.bias").Value, 1e-12f);
        return Ops.Linear(normed, Of("classifier.weight"), Of("classifier.bias").Value).ToArray();
    }

    private static VisionTransformer Body(VisionModel model) => (VisionTransformer)model.Backbone;

    private static VisionModel Create() => VisionModel.Create(ModelConfig.From(JsonDocument.Parse(Config).RootElement, "config.json"), outputs: 3, seed: 1);

    private static Tensor Drawn(int count, ulong seed)
    {
        float[] values = new float[count * Width];
        new Rng(seed, RngStream.Initialization).FillNormal(values, 0f, 1f, step: 9);
        return Kept([count, Width], values);
    }

    private static Tensor Kept(Shape shape, float[] values)
    {
        Tensor tensor = Tensor.CreateLongLived(shape);
        values.CopyTo(tensor.Span);
        return tensor;
    }

    // Two pictures 8 pixels wide that share their topmost 4 rows.
    private static ImageBatch Pictures(int height, bool withoutTop = false)
    {
        const int Row = 8 * 3;
        float[] top = new float[4 * Row];
        new Rng(7, RngStream.Initialization).FillNormal(top, 0f, 1f, step: 0);
        int first = withoutTop ? 4 : 0;
        var values = new List<float>();
        for (ulong picture = 0; picture < 2; picture++)
        {
            float[] rest = new float[(height - 4) * Row];
            new Rng(7, RngStream.Initialization).FillNormal(rest, 0f, 1f, step: 1 + picture);
            values.AddRange([.. withoutTop ? [] : top, .. rest]);
        }

        return new ImageBatch(Tensor.FromValues([2, height - first, 8, 3], [.. values]));
    }
}
