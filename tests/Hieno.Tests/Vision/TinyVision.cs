using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Tests.Vision;

/// <summary>A residual network of three blocks for pictures of 8 × 8 pixels, and the steps that tests of it share.</summary>
internal static class TinyVision
{
    public const int Classes = 3;
    public const int Side = 8;

    public static ModelConfig Config() => ModelConfig.From(
        JsonDocument.Parse("""{ "model_type": "cifar-resnet", "depth": 8, "image_size": 8 }""").RootElement.Clone(), "config.json");

    /// <summary>A model whose running statistics are no longer those it began with.</summary>
    public static VisionModel Model(ulong seed = 1)
    {
        var model = VisionModel.Create(Config(), Classes, seed);
        foreach (ModuleBuffer buffer in model.Buffers())
        {
            new Rng(seed, RngStream.Initialization).FillUniform(buffer.Value.Span, 0.5f, 1.5f, (ulong)buffer.Name.Length);
        }

        return model;
    }

    /// <summary>Four pictures.</summary>
    public static ImageBatch Batch(ulong seed = 3)
    {
        Tensor pixels = Tensor.CreateLongLived([4, Side, Side, 3]);
        new Rng(seed, RngStream.Augmentation).FillNormal(pixels.Span, 0f, 1f, 0);
        return new ImageBatch(pixels);
    }

    public static float[] Output(PretrainedModel model, ImageBatch? batch = null)
    {
        using var tape = Tape.Begin(record: false);
        return ((VisionModel)model).Classify(batch ?? Batch()).ToArray();
    }

    /// <summary>The mean loss of the batch.</summary>
    public static Tensor Loss(PretrainedModel model) => Ops.CrossEntropy(((VisionModel)model).Classify(Batch()), [0, 1, 2, 1], scale: 1f / 4);

    /// <summary>A pass of training: gradients on all that learns, and moved statistics.</summary>
    public static float Differentiate(TunedModel tuned)
    {
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        using var tape = Tape.Begin(record: true, new DropoutSource(new Rng(1, RngStream.Dropout), 0));
        Tensor loss = Loss(tuned.Model);
        tape.Backward(loss);
        return loss.Item();
    }

    public static Dictionary<string, float[]> Statistics(PretrainedModel model) => model.Buffers().ToDictionary(buffer => buffer.Name, buffer => buffer.Value.ToArray());

    public static Dictionary<string, float[]> Weights(PretrainedModel model) => model.Parameters().ToDictionary(parameter => parameter.Name, parameter => parameter.Value.ToArray());
}
