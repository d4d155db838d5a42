using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>Finds where a number that is no longer finite came from, and says so.</summary>
/// <param name="tuned">The model.</param>
/// <param name="objective">What it is made for.</param>
/// <param name="precision">How it is computed.</param>
internal sealed class NonFinite(TunedModel tuned, IObjective objective, MatMulPrecision precision)
{
    private const string Advice = "Lower 'training.learningRate', lengthen the warm-up, or look at these rows, and begin anew; what was saved before is finite";

    /// <summary>Runs a step's batches again, looking at each operation's result.</summary>
    /// <param name="batches">The step's batches, each with the dropout masks it was given; null where there were none.</param>
    /// <param name="step">Steps done before it.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="norm">The norm of its gradient.</param>
    /// <returns>An error that names the weight, or the first operation, with a NaN or infinity, and the rows that were read.</returns>
    public TrainingException InStep(IEnumerable<(Batch Batch, DropoutSource? Dropout)> batches, long step, double loss, double norm)
    {
        // Before the passes are run again: they would overwrite nothing, but a gradient that is not finite is named by its weight.
        string fallback = double.IsFinite(loss) ? $"the gradient {WeightWithBadGradient()}is not finite although the loss is" : $"the loss is {loss}";
        return InPasses(batches, step + 1) ?? Error(step + 1, fallback, batches.First().Batch);
    }

    /// <summary>Runs an evaluation's batches again, as <see cref="InStep"/>.</summary>
    /// <returns>The error, or null where every result is finite.</returns>
    public TrainingException? InEvaluation(IEnumerable<Batch> batches, long step) =>
        InPasses(batches.Select(batch => (batch, (DropoutSource?)null)), step);

    /// <summary>Refuses to go on with weights that are not finite, so that no saved model ever holds one.</summary>
    /// <param name="step">Steps done; 0 where the base model is to blame.</param>
    /// <exception cref="TrainingException">A weight that learns, or a running statistic, is a NaN or an infinity.</exception>
    public void ThrowIfWeightsAre(long step)
    {
        IEnumerable<(string Name, Tensor Value)> weights = tuned.Trainable.Select(parameter => (parameter.Name, parameter.Value));
        foreach ((string name, Tensor value) in weights.Concat(tuned.Model.Buffers().Select(buffer => (buffer.Name, buffer.Value))))
        {
            if (CountIn(value) is > 0 and long bad)
            {
                throw step == 0
                    ? new TrainingException(ErrorCodes.TrainingDiverged, "base model", $"{bad} of the {value.Count} numbers of {name} are not finite", "Take the model from its source again")
                    : new TrainingException(ErrorCodes.TrainingDiverged, $"step {step}", $"{bad} of the {value.Count} numbers of {name} are no longer finite", Advice);
            }
        }
    }

    private TrainingException? InPasses(IEnumerable<(Batch Batch, DropoutSource? Dropout)> batches, long step)
    {
        foreach ((Batch batch, DropoutSource? dropout) in batches)
        {
            if (FirstBadWeight() is { } weight)
            {
                return Error(step, $"the weight {weight} holds a number that is not finite", batch);
            }

            if (FirstBadOperation(batch, dropout) is { } operation)
            {
                return Error(step, $"the operation {operation} gave a result that is not a finite number", batch);
            }
        }

        return null;
    }

    // A frozen weight may be the culprit: a damaged base model.
    private string? FirstBadWeight() => TunedModel.AllParameters(tuned.Model).FirstOrDefault(parameter => CountIn(parameter.Value) > 0)?.Name;

    private string WeightWithBadGradient() =>
        tuned.Trainable.FirstOrDefault(parameter => parameter.Value.Grad is { } grad && CountIn(grad) > 0) is { } parameter ? $"of {parameter.Name} " : string.Empty;

    // A trace looks at everything, also at what frozen weights and blocks that would be computed twice compute.
    private string? FirstBadOperation(Batch batch, DropoutSource? dropout)
    {
        using FrozenCache.Pause pause = FrozenCache.Suspend(tuned.Model); // it would hide operations
        using Tape tape = Tape.BeginTrace(dropout, tuned.Model.Backend, checkFinite: true, precision);
        try
        {
            objective.Loss(tuned.Model, batch, 1f);
            return null;
        }
        catch (NonFiniteException e)
        {
            return e.Operation;
        }
    }

    private static long CountIn(Tensor tensor) =>
        tensor.DType == DType.F32 ? tensor.Backend.CountNonFinite(tensor) : tensor.ToArray().LongCount(value => !float.IsFinite(value));

    private static TrainingException Error(long step, string fact, Batch batch)
    {
        const int Shown = 4;
        string rows = string.Join("; ", batch.Examples.Take(Shown).Select(example => example.Source));
        string more = batch.Examples.Count > Shown ? $" and {batch.Examples.Count - Shown} more" : string.Empty;
        return new TrainingException(ErrorCodes.TrainingDiverged, $"step {step}", $"{fact}. The batch held {rows}{more}", Advice);
    }
}
