using Hieno.Data;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>What a model gives each row of a batch, whatever rows are: texts or pictures.</summary>
internal static class RowOutputs
{
    /// <summary>The output layer's numbers for each row, [rows, outputs].</summary>
    /// <exception cref="InvalidOperationException">The model has no output layer for rows, or reads something else than the batch holds.</exception>
    public static Tensor Classify(this PretrainedModel model, Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return model switch
        {
            TextModel text => text.Classify(batch.Tokens),
            VisionModel vision => vision.Classify(batch.Images),
            _ => throw new InvalidOperationException($"{model?.GetType().Name} gives rows no numbers."),
        };
    }

    /// <summary>The loss of a batch; that of an output beside the head is added where training gives one (<see cref="VisionHead.Auxiliary"/>).</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="scale">What the loss is multiplied by.</param>
    /// <param name="loss">The loss of numbers [rows, outputs] at a scale.</param>
    public static Tensor LossOfRows(this PretrainedModel model, Batch batch, float scale, Func<Tensor, float, Tensor> loss)
    {
        Tensor main = loss(model.Classify(batch), scale);
        return model is VisionModel { Head: { Auxiliary: { } auxiliary } head }
            ? Ops.Add(main, loss(auxiliary, scale * head.AuxiliaryWeight))
            : main;
    }
}
