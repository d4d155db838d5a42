using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>Finds where a loss or gradient that is no longer a number came from.</summary>
internal static class NonFinite
{
    /// <summary>Runs the step's batches again, looking at each operation's result.</summary>
    /// <returns>An error that names the first operation that made a NaN or infinity, and the rows it was given.</returns>
    public static TrainingException Explain(TextModel model, IObjective objective, Batch[] batches, long step, double loss, double norm)
    {
        foreach (Batch batch in batches)
        {
            string? operation = FirstBadOperation(model, objective, batch);
            if (operation is not null)
            {
                return Error(step, $"the operation {operation} gave a result that is not a finite number", batch);
            }
        }

        return Error(step, double.IsFinite(loss) ? $"the gradient's norm is {norm} although all results of the forward pass are finite" : $"the loss is {loss}", batches[0]);
    }

    private static string? FirstBadOperation(TextModel model, IObjective objective, Batch batch)
    {
        using Tape tape = Tape.Begin(record: true, backend: model.Backbone.TokenTable.Value.Backend, checkFinite: true);
        try
        {
            objective.Loss(model, batch, 1f);
            return null;
        }
        catch (NonFiniteException e)
        {
            return e.Operation;
        }
    }

    private static TrainingException Error(long step, string fact, Batch batch)
    {
        const int Shown = 4;
        string rows = string.Join("; ", batch.Examples.Take(Shown).Select(example => example.Source));
        string more = batch.Examples.Count > Shown ? $" and {batch.Examples.Count - Shown} more" : string.Empty;
        return new TrainingException(
            ErrorCodes.TrainingDiverged,
            $"step {step + 1}",
            $"{fact}. The batch held {rows}{more}",
            "Lower 'training.learningRate', lengthen the warm-up, or look at these rows; the last checkpoint is good and can be resumed");
    }
}
