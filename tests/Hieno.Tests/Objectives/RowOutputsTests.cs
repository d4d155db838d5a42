using System.Text.Json;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Tests.Objectives;

public sealed class RowOutputsTests
{
    [Fact]
    public void An_output_beside_the_head_adds_its_share_of_the_loss_in_training_only()
    {
        var config = ModelConfig.From(JsonDocument.Parse("""{ "model_type": "torchvision-inception-v3" }""").RootElement, "config.json");
        VisionModel model = VisionModel.Create(config, 2, seed: 1);
        float[] pixels = new float[299 * 299 * 3];
        new Rng(2, RngStream.Augmentation).FillNormal(pixels, 0f, 1f, step: 0);
        var batch = new Batch([], new ImageBatch(Picture(pixels)));
        var factors = new List<float>();
        Tensor Loss(Tensor numbers, float factor)
        {
            factors.Add(factor);
            return Ops.CrossEntropy(numbers, [1], scale: factor);
        }

        using (Tape.Begin(record: false))
        {
            model.LossOfRows(batch, 0.5f, Loss);
        }

        Assert.Equal([0.5f], factors);
        using (Tape.Begin(record: false, dropout: new DropoutSource(new Rng(1, RngStream.Dropout), pass: 0)))
        {
            float sum = model.LossOfRows(batch, 0.5f, Loss).Item();
            float own = Ops.CrossEntropy(model.Classify(batch), [1], scale: 0.5f).Item();
            Assert.NotEqual(own, sum);
        }

        Assert.Equal([0.5f, 0.5f, 0.2f], factors);
    }

    private static Tensor Picture(float[] pixels)
    {
        Tensor picture = Tensor.CreateLongLived([1, 299, 299, 3]);
        picture.Backend.CopyFromHost(pixels, picture);
        return picture;
    }
}
