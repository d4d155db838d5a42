using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class MeanSquaredErrorTests
{
    [Fact]
    public void Value_is_the_scaled_sum_of_squares()
    {
        Tensor predictions = Tensor.FromValues([2, 2], [1f, 2f, 3f, 4f]);
        Assert.Equal(0.5 * ((1 * (1 + 4)) + (3 * (0 + 9))), MeanSquaredError(predictions, [2f, 0f, 3f, 1f], [1f, 3f], 0.5f).Item(), 1e-6);
    }

    [Fact]
    public void Gradients_equal_central_differences()
    {
        OpChecks.Gradient(inputs => MeanSquaredError(inputs[0], [1, 0, 0, 1, 0.3f, 1], [1, 2, 0.5f], 0.7f), [[3, 2]]);
    }

    [Fact]
    public void Wrong_counts_are_refused()
    {
        Tensor predictions = TestTensors.Random([2, 3], 1);
        Assert.Equal("MeanSquaredError: there are 5 targets for [2, 3].", Assert.Throws<ShapeException>(() => MeanSquaredError(predictions, new float[5])).Message);
        Assert.Throws<ShapeException>(() => MeanSquaredError(predictions, new float[6], new float[3]));
    }
}
