using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class LogProbabilityLossTests
{
    // Σ wᵢ·log pᵢ², which is no multiple of any cross-entropy.
    private static (double, double[]) Squares(double[] logs) => (logs.Select((value, i) => (i + 1) * value * value).Sum(), [.. logs.Select((value, i) => 2 * (i + 1) * value)]);

    [Fact]
    public void It_gives_the_log_probabilities_of_the_labels_to_the_loss()
    {
        Tensor logits = TestTensors.Random([3, 5], 1);
        float[] values = logits.ToArray();
        int[] labels = [4, 0, 2];
        LogProbabilityLoss(logits, labels, logs =>
        {
            for (int row = 0; row < 3; row++)
            {
                double sum = Enumerable.Range(0, 5).Sum(k => Math.Exp(values[(row * 5) + k]));
                Assert.Equal(values[(row * 5) + labels[row]] - Math.Log(sum), logs[row], 1e-6);
            }

            return (0, new double[3]);
        });
    }

    [Fact]
    public void Gradients_equal_central_differences() =>
        OpChecks.Gradient(inputs => LogProbabilityLoss(inputs[0], [4, 0, 2, 2, 1, 3], Squares), [[3, 2, 5]]);

    [Fact]
    public void Labels_and_derivatives_must_fit_the_rows()
    {
        Tensor logits = TestTensors.Random([2, 5], 1);
        Assert.Contains("row 1 has no label", Assert.Throws<ArgumentOutOfRangeException>(() => LogProbabilityLoss(logits, [1, IgnoredLabel], Squares)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => LogProbabilityLoss(logits, [1, 5], Squares));
        Assert.Contains("1 derivatives for 2 rows", Assert.Throws<ArgumentException>(() => LogProbabilityLoss(logits, [1, 2], _ => (0, [1.0]))).Message, StringComparison.Ordinal);
    }
}
