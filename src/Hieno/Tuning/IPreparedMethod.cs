using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>A method that looks at the training rows before the first step.</summary>
public interface IPreparedMethod : ITuningMethod
{
    /// <summary>Completes the choice of what learns. Called once in each sitting of a run: before the first step, or after the weights of a checkpoint are back.</summary>
    /// <param name="tuned">The model as <c>Apply</c> left it.</param>
    /// <param name="rows">The training rows, and where to keep what a resumed run needs again.</param>
    void Prepare(TunedModel tuned, PreparationRows rows);
}

/// <summary>The training rows as a method sees them.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Loss">−log p of row i under the model, summed over its targets, [1]; computed on the open tape, without dropout.</param>
/// <param name="Folder">The run's folder.</param>
/// <param name="IsResumed">True when the weights are those of a checkpoint, no longer the first ones.</param>
/// <param name="Say">Where to say what a user should know.</param>
public sealed record PreparationRows(int Count, Func<int, Tensor> Loss, string Folder, bool IsResumed, Action<string> Say);
