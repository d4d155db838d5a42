using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class CrossEntropyTests
{
    [Theory]
    [InlineData(1, 0f)]
    [InlineData(2, 0.1f)]
    [InlineData(37, 0f)]
    [InlineData(2500, 0f)]
    [InlineData(2500, 0.2f)]
    public void Value_equals_the_definition_in_double_precision_for_all_vectors(int classes, float smoothing)
    {
        int[] labels = [classes - 1, IgnoredLabel, 0, classes / 2];
        float[] weights = [1f, 9f, 0.5f, 2f];
        foreach (var backend in TestTensors.Widths)
        {
            Tensor logits = TestTensors.Random([4, classes], 1, backend, gap: 3);
            double expected = 0.25f * Reference(logits.ToArray(), labels, weights, smoothing, classes);
            Assert.Equal(expected, CrossEntropy(logits, labels, weights, 0.25f, smoothing).Item(), 2e-6 * (1 + Math.Abs(expected)));
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.3f)]
    public void Gradients_equal_central_differences(float smoothing)
    {
        int[] labels = [4, IgnoredLabel, 0, 2, 2, 1];
        OpChecks.Gradient(inputs => CrossEntropy(inputs[0], labels, [1, 1, 2, 0.5f, 1, 3], 0.7f, smoothing), [[3, 2, 5]]);
    }

    [Fact]
    public void Gradients_add_to_what_arrived_before_and_follow_the_scale_of_the_backward_pass()
    {
        Tensor logits = TestTensors.Random([3, 40], 1, trained: true);
        float[] once = Gradient(1f, twice: false);
        TestTensors.Close([.. once.Select(g => 6.0 * g)], Gradient(3f, twice: true), 1e-6);

        float[] Gradient(float scale, bool twice)
        {
            logits.ClearGrad();
            using Tape tape = Tape.Begin();
            Tensor loss = CrossEntropy(logits, [1, 2, 39]);
            tape.Backward(twice ? Add(loss, CrossEntropy(logits, [1, 2, 39])) : loss, scale);
            return logits.Grad!.ToArray();
        }
    }

    [Fact]
    public void Large_logits_neither_overflow_nor_lose_the_answer()
    {
        Tensor logits = Tensor.FromValues([2, 3], [3000f, 2990f, -3000f, float.NegativeInfinity, 5f, 4f]);
        double expected = 10 + Math.Log(1 + Math.Exp(-10)) + Math.Log(1 + Math.Exp(-1));
        Assert.Equal(expected, CrossEntropy(logits, [1, 1]).Item(), 1e-5);
    }

    [Fact]
    public void The_largest_logit_may_come_anywhere()
    {
        foreach (double slope in new[] { -0.01, 0.01 })
        {
            float[] values = [.. Enumerable.Range(0, 5000).Select(k => (float)(k * slope))];
            double expected = CrossEntropyTests.Reference(values, [2500], null, 0, 5000);
            Assert.Equal(expected, CrossEntropy(Tensor.FromValues([1, 5000], values), [2500]).Item(), 1e-5 * expected);
        }
    }

    [Fact]
    public void A_logit_that_is_not_a_number_shows_in_the_loss()
    {
        foreach (var backend in TestTensors.Widths)
        {
            for (int position = 0; position < 70; position += 23)
            {
                Tensor logits = TestTensors.Random([1, 70], 1, backend);
                logits.Row(0)[position] = float.NaN;
                Assert.False(float.IsFinite(CrossEntropy(logits, [40]).Item()));
            }
        }
    }

    [Fact]
    public void Vectors_and_threads_do_not_change_the_gradient()
    {
        float[] scalar = Gradient(TestTensors.Widths[0]);
        foreach (var backend in TestTensors.Widths)
        {
            TestTensors.Close(TestTensors.Double(scalar), Gradient(backend), 1e-6);
        }

        float[] first = Gradient(TestTensors.Teams[0]);
        foreach (var backend in TestTensors.Teams)
        {
            TestTensors.SameBits(first, Gradient(backend));
        }

        static float[] Gradient(Tensors.Cpu.CpuBackend backend)
        {
            Tensor logits = TestTensors.Random([64, 1500], 1, backend, trained: true);
            using Tape tape = Tape.Begin(backend: backend);
            tape.Backward(CrossEntropy(logits, [.. Enumerable.Range(0, 64)]));
            return logits.Grad!.ToArray();
        }
    }

    [Fact]
    public void Nothing_but_ignored_labels_gives_a_loss_of_zero() =>
        Assert.Equal(0f, CrossEntropy(TestTensors.Random([2, 5], 1), [IgnoredLabel, IgnoredLabel]).Item());

    [Theory]
    [InlineData(5)]
    [InlineData(-1)]
    public void A_label_that_is_no_class_is_named(int label)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => CrossEntropy(TestTensors.Random([2, 5], 1), [0, label]));
        Assert.Contains($"label {label} of row 1 is not one of the 5 classes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_counts_are_refused()
    {
        Tensor logits = TestTensors.Random([2, 5], 1);
        Assert.Equal("CrossEntropy: there are 3 labels for 2 rows.", Assert.Throws<ShapeException>(() => CrossEntropy(logits, [0, 1, 2])).Message);
        Assert.Equal("CrossEntropy: there are 1 row weights for 2 rows.", Assert.Throws<ShapeException>(() => CrossEntropy(logits, [0, 1], [1f])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => CrossEntropy(logits, [0, 1], labelSmoothing: 1.5f));
    }

    internal static double Reference(float[] logits, int[] labels, float[]? weights, double smoothing, int classes)
    {
        double sum = 0;
        for (int row = 0; row < labels.Length; row++)
        {
            if (labels[row] == IgnoredLabel)
            {
                continue;
            }

            double[] zs = [.. logits.Skip(row * classes).Take(classes)];
            double max = zs.Max();
            double logSum = max + Math.Log(zs.Sum(z => Math.Exp(z - max)));
            double loss = ((1 - smoothing) * (logSum - zs[labels[row]])) + (smoothing * (logSum - zs.Average()));
            sum += (weights?[row] ?? 1) * loss;
        }

        return sum;
    }
}
