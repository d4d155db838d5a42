using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>A weight's number of steps as a tensor, so that it lies beside the rest of the state. Exact up to 2²⁴ steps.</summary>
internal static class StepCount
{
    public static Tensor ToTensor(int steps)
    {
        Tensor tensor = Tensor.CreateLongLived([1]);
        tensor.Span[0] = steps;
        return tensor;
    }

    public static int FromTensor(Tensor tensor) => (int)tensor.Item();
}
