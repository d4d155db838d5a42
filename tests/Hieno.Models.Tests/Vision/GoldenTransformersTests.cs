using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Vision;

/// <summary>What the layers of vision transformers give, block by block, against the reference implementation.</summary>
[Trait("tier", "golden")]
public sealed class GoldenTransformersTests
{
    [SkippableTheory]
    [InlineData("vit")]
    [InlineData("deit")]
    [InlineData("dinov2")]
    [InlineData("beit")]
    public void Hidden_states_agree_with_the_reference(string name)
    {
        (VisionModel model, ImageBatch batch, TensorFile expected, _) = Read(name);
        using var tape = Tape.Begin(record: false);
        IReadOnlyList<Tensor> states = model.Backbone.States(batch);
        Assert.Equal(model.Blocks.Count + 1, expected.Names.Count(n => n.StartsWith("eval.hidden_states.", StringComparison.Ordinal)));
        for (int i = 0; i < states.Count; i++)
        {
            Assert.InRange(Difference.LargestAbsolute(states[i].ToArray(), expected.Floats($"eval.hidden_states.{i}")), 0, 1e-5);
        }
    }

    [SkippableFact]
    public void Stages_of_swin_agree_with_the_reference()
    {
        (VisionModel model, ImageBatch batch, TensorFile expected, _) = Read("swin");
        using var tape = Tape.Begin(record: false);
        IReadOnlyList<Tensor> states = model.Backbone.States(batch);
        for (int stage = 0; stage <= 2; stage++)
        {
            Assert.InRange(Difference.LargestAbsolute(states[2 * stage].ToArray(), expected.Floats($"eval.hidden_states.{stage}")), 0, 1e-5);
        }
    }

    [SkippableTheory]
    [InlineData("vit")]
    [InlineData("deit")]
    [InlineData("dinov2")]
    [InlineData("beit")]
    [InlineData("swin")]
    public void Logits_loss_and_gradients_agree_with_the_reference(string name)
    {
        (VisionModel model, ImageBatch batch, TensorFile expected, int[] labels) = Read(name);
        var gradients = TensorFile.Read(SharedFolder.Require($"golden/{name}/grads.safetensors"));
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = true;
        }

        using var tape = Tape.Begin();
        Tensor logits = model.Classify(batch);
        Assert.InRange(Difference.LargestAbsolute(logits.ToArray(), expected.Floats("train.logits")), 0, 3e-6);
        Tensor loss = Ops.CrossEntropy(logits, labels, scale: 1f / labels.Length);
        Assert.Equal(expected.Floats("train.loss")[0], loss.Item(), 1e-5);
        tape.Backward(loss);
        Assert.Empty(gradients.Names.Except(model.Parameters().Select(p => p.Name)));
        Measurement worst = GradientsCheck.Worst("gradient", model.Parameters().Select(p => (p, p.Name)), gradients);
        Assert.True(worst.Passes, $"{worst.Where}: {worst.Value}");
    }

    private static (VisionModel Model, ImageBatch Batch, TensorFile Expected, int[] Labels) Read(string name)
    {
        string folder = SharedFolder.Require($"golden/{name}");
        int outputs = ModelConfig.Read(folder).GetLabels()!.Count;
        var model = VisionModel.Load(folder, outputs);
        Assert.Empty(model.NewlyInitialized);
        var inputs = TensorFile.Read(Path.Combine(folder, "inputs.safetensors"));
        var batch = GoldenPictures.Read(inputs);
        return (model, batch, TensorFile.Read(Path.Combine(folder, "expected.safetensors")), inputs.Ints("labels"));
    }
}
