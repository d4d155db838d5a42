using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class BinaryCrossEntropyTests
{
    [Fact]
    public void Value_equals_the_definition_in_double_precision()
    {
        Tensor logits = TestTensors.Random([3, 5], 1, gap: 2);
        float[] targets = [.. TestTensors.Normal(15, 2).Select(v => v > 0 ? 1f : 0.25f)];
        float[] weights = [1f, 0f, 2f];
        double expected = 0;
        float[] zs = logits.ToArray();
        for (int i = 0; i < 15; i++)
        {
            double p = 1 / (1 + Math.Exp(-zs[i]));
            expected -= 0.5 * weights[i / 5] * ((targets[i] * Math.Log(p)) + ((1 - targets[i]) * Math.Log(1 - p)));
        }

        Assert.Equal(expected, BinaryCrossEntropy(logits, targets, weights, 0.5f).Item(), 1e-6);
    }

    [Fact]
    public void Gradients_equal_central_differences()
    {
        float[] targets = [1, 0, 0, 1, 0.3f, 1, 0, 0, 1, 1, 1, 0];
        OpChecks.Gradient(inputs => BinaryCrossEntropy(inputs[0], targets, [1, 2, 0.5f], 0.7f), [[3, 4]]);
    }

    [Fact]
    public void Large_logits_do_not_overflow()
    {
        Assert.Equal(500f, BinaryCrossEntropy(Tensor.FromValues([1, 2], [500f, -500f]), [0, 0]).Item());
        Assert.Equal(0f, BinaryCrossEntropy(Tensor.FromValues([1, 2], [500f, -500f]), [1, 0]).Item());
    }

    [Fact]
    public void Wrong_counts_are_refused()
    {
        Tensor logits = TestTensors.Random([2, 3], 1);
        Assert.Equal("BinaryCrossEntropy: there are 5 targets for [2, 3].", Assert.Throws<ShapeException>(() => BinaryCrossEntropy(logits, new float[5])).Message);
        Assert.Throws<ShapeException>(() => BinaryCrossEntropy(logits, new float[6], new float[3]));
    }
}
