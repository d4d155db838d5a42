using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>Visual prompts as a method: what learns, what stays, what is saved.</summary>
public sealed class VisualPromptTuningTests : IDisposable
{
    private const int Width = 8;
    private const int Blocks = 2;
    private const int HeadNumbers = (Width * 3) + 3;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, Blocks * 5 * Width)]
    [InlineData(false, 5 * Width)]
    public void As_many_numbers_learn_as_worked_out_by_hand(bool deep, long count) =>
        Assert.Equal(count, Apply(Model(), deep).TrainableCount);

    [Fact]
    public void Switched_off_it_is_the_base_model_bit_for_bit()
    {
        VisionModel model = Model();
        float[] before = Output(model);
        TunedModel tuned = Apply(model, deep: true);
        Assert.NotEqual(before, Output(model));
        tuned.Adapter!.Enable(false);
        Assert.Equal(before, Output(model));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Training_lowers_the_loss_leaves_every_frozen_number_and_saves_what_was_learned(bool deep)
    {
        VisionModel model = Model();
        Dictionary<string, float[]> before = model.Parameters().ToDictionary(p => p.Name, p => p.Base.ToArray());
        TunedModel tuned = Apply(model, deep);
        float first = Step(tuned, 0f);
        for (int i = 0; i < 60; i++)
        {
            Step(tuned, 0.3f);
        }

        Assert.InRange(Step(tuned, 0f), 0f, 0.9f * first);
        Assert.All(model.Parameters(), p => Assert.Equal(before[p.Name], p.Base.ToArray()));

        float[] output = Output(model);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        VisionModel fresh = Model();
        Adapter loaded = PeftFolder.Load(fresh, _folder.Path);
        Assert.Equal(output, Output(fresh));
        Assert.Equal(new VisualPromptOptions { VirtualTokens = 5, Deep = deep }, loaded.Options);
    }

    [Fact]
    public void A_start_lies_within_the_published_bounds()
    {
        float bound = MathF.Sqrt(6f / ((4 * 4 * 3) + Width));
        TunedModel tuned = Apply(Model(), deep: true);
        float[] values = [.. tuned.Adapter!.PartWeights().SelectMany(p => p.Value.ToArray())];
        Assert.All(values, value => Assert.InRange(value, -bound, bound));
        Assert.True(values.Max() > 0.8f * bound && values.Min() < -0.8f * bound);
    }

    [Fact]
    public void It_cannot_be_merged()
    {
        var fault = Assert.Throws<TuningException>(() => Apply(Model(), deep: true).Adapter!.Merge());
        Assert.Contains("adds 5 vectors to each picture", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "model_type": "cifar-resnet", "depth": 8, "image_size": 8 }""", "is no vision transformer")]
    [InlineData("""{ "model_type": "beit", "image_size": 8, "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "use_relative_position_bias": true }""", "knows distances between patches")]
    public void Models_without_a_place_for_it_are_refused(string config, string fact)
    {
        var fault = Assert.Throws<TuningException>(() => Apply(VisionModel.Create(Config(config), 3, seed: 1), deep: true));
        Assert.Contains(fact, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_output_layer_learns_as_well()
    {
        VisionModel model = Model();
        WeightFiles.SaveModel(model, _folder.Path, companions: null);
        VisionModel other = VisionModel.Load(_folder.Path, outputs: 4);
        Assert.Equal((Width * 4) + 4 + (5 * Width), Apply(other, deep: false).TrainableCount);
        Assert.NotEqual(HeadNumbers, (Width * 4) + 4);
    }

    private static TunedModel Apply(VisionModel model, bool deep) => new VisualPromptOptions { VirtualTokens = 5, Deep = deep }.Create().Apply(model, seed: 3);

    private static VisionModel Model() => VisionModel.Create(
        Config("""{ "model_type": "vit", "image_size": 8, "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "initializer_range": 0.5 }"""), outputs: 3, seed: 1);

    private static ModelConfig Config(string json) => ModelConfig.From(JsonDocument.Parse(json).RootElement.Clone(), "config.json");

    private static ImageBatch Pictures()
    {
        Tensor pixels = Tensor.CreateLongLived([4, 8, 8, 3]);
        new Rng(3, RngStream.Augmentation).FillNormal(pixels.Span, 0f, 1f, 0);
        return new ImageBatch(pixels);
    }

    private static float[] Output(VisionModel model)
    {
        using var tape = Tape.Begin(record: false);
        return model.Classify(Pictures()).ToArray();
    }

    // One step of plain gradient descent; gives the loss before it.
    private static float Step(TunedModel tuned, float rate)
    {
        using var tape = Tape.Begin();
        Tensor loss = Ops.CrossEntropy(((VisionModel)tuned.Model).Classify(Pictures()), [0, 1, 2, 1], scale: 1f / 4);
        float value = loss.Item();
        tape.Backward(loss);
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.Backend.Scale(parameter.Value.Grad!, -rate, parameter.Value, add: true);
            parameter.Value.ClearGrad();
        }

        return value;
    }
}
