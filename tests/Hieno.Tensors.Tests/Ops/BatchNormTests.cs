using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class BatchNormTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(21)]
    public void Gradients_are_those_of_central_differences(int channels)
    {
        Gradient(t => BatchNorm(t[0], t[1], t[2]), [[2, 3, 3, channels], [channels], [channels]]);
        Gradient(t => BatchNorm(t[0], null, null), [[9, channels]]);
        Tensor mean = Normal([channels], 4);
        Tensor variance = Activate(Normal([channels], 5), Activation.Sigmoid);
        Gradient(t => BatchNormFixed(t[0], t[1], t[2], mean, variance), [[2, 3, 3, channels], [channels], [channels]]);
        Gradient(t => BatchNormFixed(t[0], null, null, mean, variance), [[5, channels]]);
    }

    [Theory]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.Silu)]
    public void An_activation_within_is_one_that_follows_to_the_bit(Activation activation)
    {
        Tensor mean = Normal([5], 4);
        Tensor variance = Activate(Normal([5], 5), Activation.Sigmoid);
        Tensor filters = Normal([3, 5], 6);
        Assert.Equal(
            Results(t => Linear(Activate(BatchNorm(Scale(t[0], 2f), t[1], t[2]), activation), t[3], null)),
            Results(t => Linear(BatchNorm(Scale(t[0], 2f), t[1], t[2], activation: activation), t[3], null)));
        Assert.Equal(
            Results(t => Linear(Activate(BatchNormFixed(Scale(t[0], 2f), t[1], t[2], mean, variance), activation), t[3], null)),
            Results(t => Linear(BatchNormFixed(Scale(t[0], 2f), t[1], t[2], mean, variance, activation: activation), t[3], null)));
        Assert.Equal(
            Results(t => Linear(Activate(BatchNormFixed(Scale(t[0], 2f), null, null, mean, variance), activation), filters, null), inputs: 1),
            Results(t => Linear(BatchNormFixed(Scale(t[0], 2f), null, null, mean, variance, activation: activation), filters, null), inputs: 1));

        // Blocks let go of what is not held, so that the result is computed again from what is.
        static float[] Results(Func<Tensor[], Tensor> op, int inputs = 4)
        {
            Shape[] shapes = [[70, 5], [5], [5], [3, 5]];
            return ForwardAndBackward((CpuBackend)Backend.Default, t => Block(t[0], _ => op(t)), shapes[..inputs]);
        }
    }

    [Fact]
    public void A_large_mean_does_not_cancel_the_variance()
    {
        Tensor y = BatchNorm(Normal([500, 4], 1, mean: 1000f, std: 0.5f), null, null);
        double[] values = y.ToDoubles();
        Assert.InRange(Enumerable.Range(0, 500).Average(row => values[4 * row] * values[4 * row]), 0.999, 1.001);
    }

    [Fact]
    public void Running_statistics_move_by_the_momentum_with_the_variance_over_one_less()
    {
        Tensor mean = Tensor.CreateLongLived([1]);
        Tensor variance = Tensor.CreateLongLived([1]);
        Tensor x = Tensor.FromValues([4, 1], [1f, 2f, 3f, 6f]);
        BatchNorm(x, null, null, mean, variance, momentum: 0.25f);
        Assert.Equal(0.75f, mean.Item(), 1e-6f); // 0.25 · 3
        Assert.Equal(0.25f * (14f / 3f), variance.Item(), 1e-4f);
    }

    [Fact]
    public void Fixed_statistics_are_left_as_they_are()
    {
        Tensor mean = Normal([3], 1);
        float[] before = mean.ToArray();
        BatchNormFixed(Normal([5, 3], 2), null, null, mean, Tensor.FromValues([3], [1f, 2f, 3f]));
        Assert.Equal(before, mean.ToArray());
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => BatchNorm(t[0], t[1], t[2]), [[50, 83], [83], [83]], 2e-5, 2e-5);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => BatchNorm(t[0], t[1], t[2]), [1333, 45], [45], [45]);

    [Fact]
    public void Wrong_shapes_are_named()
    {
        Assert.Contains("gain has shape [4], expected [3]", Assert.Throws<ShapeException>(() => BatchNorm(Normal([2, 3], 1), Normal([4], 2), null)).Message);
        Assert.Contains("one value a channel has no variance", Assert.Throws<ShapeException>(() => BatchNorm(Normal([1, 3], 1), null, null)).Message);
    }
}
