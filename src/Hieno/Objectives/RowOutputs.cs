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
}
