using System.Globalization;
using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>What a checkpoint holds of one weight: all of its parts, or none where the weight has not been stepped.</summary>
internal sealed record SavedState(Tensor[] Parts, int Steps)
{
    private const string StepPart = "step";
    private const int MostSteps = 1 << 24; // single precision counts no further; by then nothing depends on the number any more

    /// <summary>A weight's number of steps under its name, as a tensor, so that it lies beside the rest of the state.</summary>
    public static (string Name, Tensor Value) CountOf(string weight, int steps)
    {
        Tensor tensor = Tensor.CreateLongLived([1]);
        tensor.Span[0] = Math.Min(steps, MostSteps);
        return ($"{weight}.{StepPart}", tensor);
    }

    /// <summary>Finds the parts of a weight's state, and its number of steps.</summary>
    /// <returns>Null where the checkpoint holds none of them.</returns>
    /// <exception cref="CheckpointException">It holds some and not others, or a number of steps that no run can have taken.</exception>
    public static SavedState? Find(StateSource find, string weight, IReadOnlyList<StatePart> parts)
    {
        Tensor?[] found = [.. parts.Select(part => find($"{weight}.{part.Name}", part.Shape, part.DType)), find($"{weight}.{StepPart}", [1], DType.F32)];
        int missing = Array.IndexOf(found, null);
        if (missing < 0)
        {
            return new SavedState([.. found.Take(parts.Count).Select(tensor => tensor!)], StepsIn(found[^1]!, weight));
        }

        string name = $"{weight}.{(missing < parts.Count ? parts[missing].Name : StepPart)}";
        return Array.TrueForAll(found, tensor => tensor is null) ? null : throw new CheckpointException(
            ErrorCodes.CheckpointTensorMissing, name, "the checkpoint holds other parts of this weight's optimizer state, but not this one",
            "Resume with the optimizer the run was started with, or from another checkpoint")
        {
            Tensor = name,
        };
    }

    private static int StepsIn(Tensor tensor, string weight)
    {
        float steps = tensor.Item();
        return steps is >= 1 and <= MostSteps && float.IsInteger(steps) ? (int)steps : throw new CheckpointException(
            ErrorCodes.CheckpointEntryInvalid, $"{weight}.{StepPart}",
            string.Create(CultureInfo.InvariantCulture, $"the number of steps is {steps}, which no run can have taken"), "Resume from another checkpoint")
        {
            Tensor = $"{weight}.{StepPart}",
        };
    }
}
