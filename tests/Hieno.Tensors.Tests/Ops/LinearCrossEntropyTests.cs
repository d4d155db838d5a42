using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class LinearCrossEntropyTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Value_and_statistics_equal_those_of_all_logits_at_once(DType dtype)
    {
        int[] labels = Labels(30, 41, ignoreEvery: 3);
        float[] weights = [.. Enumerable.Range(0, 30).Select(i => 0.1f * i)];
        foreach (var backend in TestTensors.Widths)
        {
            Tensor hidden = TestTensors.Random([5, 6, 8], 1, backend, gap: 3);
            Tensor weight = TestTensors.Random([41, 8], 2, dtype, backend);
            Tensor bias = TestTensors.Random([41], 3, backend);
            float[] logits = Linear(hidden, weight, bias).ToArray();
            var statistics = new TokenLossStatistics();
            float loss = LinearCrossEntropy(hidden, weight, bias, labels, weights, 0.3f, statistics).Item();

            Assert.Equal(0.3f * CrossEntropyTests.Reference(logits, labels, weights, 0, 41), loss, 1e-4);
            Assert.Equal(20, statistics.Tokens);
            Assert.Equal(CrossEntropyTests.Reference(logits, labels, null, 0, 41), statistics.NegativeLogLikelihood, 1e-4);
            int correct = 0;
            for (int row = 0; row < 30; row++)
            {
                float[] zs = logits[(row * 41)..((row + 1) * 41)];
                correct += labels[row] == Array.IndexOf(zs, zs.Max()) ? 1 : 0;
            }

            Assert.Equal(correct, statistics.Correct);
        }
    }

    [Fact]
    public void Statistics_of_a_model_that_knows_the_answer_are_perfect()
    {
        Tensor weight = Tensor.FromValues([3, 3], [100, 0, 0, 0, 100, 0, 0, 0, 100]);
        var statistics = new TokenLossStatistics();
        LinearCrossEntropy(weight, weight, null, [0, 1, IgnoredLabel], statistics: statistics);
        Assert.Equal(1, statistics.Accuracy);
        Assert.Equal(1, statistics.Perplexity);
        Assert.Equal(2, statistics.Tokens);
    }

    [Fact]
    public void Equal_logits_are_not_counted_as_correct()
    {
        var statistics = new TokenLossStatistics();
        LinearCrossEntropy(TestTensors.Random([4, 3], 1), Tensor.FromValues([5, 3], new float[15]), null, [1, 2, 3, 4], statistics: statistics);
        Assert.Equal(0, statistics.Correct);
        Assert.Equal(Math.Log(5), statistics.MeanLoss, 1e-6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Gradients_equal_central_differences(int ignoreEvery)
    {
        int[] labels = Labels(6, 7, ignoreEvery);
        OpChecks.Gradient(inputs => LinearCrossEntropy(inputs[0], inputs[1], inputs[2], labels, [1, 2, 0.5f, 1, 1, 3], 0.7f), [[2, 3, 4], [7, 4], [7]]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Limited_logits_give_the_value_and_the_gradients_of_separate_operations(int ignoreEvery)
    {
        const float Limit = 0.7f;
        int rows = 1300; // three chunks
        int[] labels = Labels(rows, 23, ignoreEvery);
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(rows, Tensors.Cpu.CpuBackend.Shared);
        float[][] expected = Gradients(hidden, weight, bias, () => CrossEntropy(SoftCap(Linear(hidden, weight, bias), Limit), labels, null, 0.01f));
        float[][] fused = Gradients(hidden, weight, bias, () => LinearCrossEntropy(hidden, weight, bias, labels, null, 0.01f, limit: Limit));
        for (int i = 0; i < expected.Length; i++)
        {
            TestTensors.Close(TestTensors.Double(expected[i]), fused[i], 1e-5);
        }

        float separate = CrossEntropy(SoftCap(Linear(hidden, weight, bias), Limit), labels, null, 0.01f).Item();
        Assert.Equal(separate, LinearCrossEntropy(hidden, weight, bias, labels, null, 0.01f, limit: Limit).Item(), 1e-5f);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Several_chunks_give_the_gradients_of_the_two_separate_operations(int ignoreEvery)
    {
        int rows = 1300; // three chunks
        int[] labels = Labels(rows, 23, ignoreEvery);
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(rows, Tensors.Cpu.CpuBackend.Shared);
        float[][] expected = Gradients(hidden, weight, bias, () => CrossEntropy(Linear(hidden, weight, bias), labels, null, 0.01f));
        float[][] fused = Gradients(hidden, weight, bias, () => LinearCrossEntropy(hidden, weight, bias, labels, null, 0.01f));
        for (int i = 0; i < expected.Length; i++)
        {
            TestTensors.Close(TestTensors.Double(expected[i]), fused[i], 1e-5);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Gradients_with_rows_that_stand_in_equal_central_differences(int ignoreEvery)
    {
        int[] labels = Labels(6, 7, ignoreEvery);
        OpChecks.Gradient(inputs => LinearCrossEntropy(inputs[0], inputs[1], inputs[2], labels, null, 0.7f, standIn: new StandInRows(inputs[3], [1, 2, 5])), [[2, 3, 4], [7, 4], [7], [3, 4]]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Rows_that_stand_in_give_what_a_weight_with_these_rows_gives_in_several_chunks(int ignoreEvery)
    {
        int[] ids = [0, 9, 10, 22];
        int[] labels = Labels(1300, 23, ignoreEvery);
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(1300, Tensors.Cpu.CpuBackend.Shared);
        Tensor rows = TestTensors.Random([4, weight.Columns], 77, Tensors.Cpu.CpuBackend.Shared, trained: true);
        int[] from = [.. Enumerable.Range(0, 23).Select(id => Array.IndexOf(ids, id) is var place and >= 0 ? 23 + place : id)];
        float[][] expected = Gradients(hidden, rows, bias, () => LinearCrossEntropy(hidden, Rows(Concatenate(weight, rows), from), bias, labels, null, 0.01f));
        weight.NeedsGrad = false;
        weight.ClearGrad();
        float[][] actual = Gradients(hidden, rows, bias, () => LinearCrossEntropy(hidden, weight, bias, labels, null, 0.01f, standIn: new StandInRows(rows, ids)));
        Assert.Null(weight.Grad);
        for (int i = 0; i < expected.Length; i++)
        {
            TestTensors.Close(TestTensors.Double(expected[i]), actual[i], 1e-5);
        }
    }

    [Fact]
    public void Gradients_follow_the_scale_of_the_backward_pass()
    {
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(20, Tensors.Cpu.CpuBackend.Shared);
        int[] labels = Labels(20, 23, 3);
        float[][] plain = Gradients(hidden, weight, bias, () => LinearCrossEntropy(hidden, weight, bias, labels));
        float[][] scaled = Gradients(hidden, weight, bias, () => LinearCrossEntropy(hidden, weight, bias, labels), scale: 2.5f);
        for (int i = 0; i < plain.Length; i++)
        {
            TestTensors.Close([.. plain[i].Select(g => 2.5 * g)], scaled[i], 1e-6);
        }
    }

    [Fact]
    public void Gradients_are_the_same_bits_for_any_number_of_threads()
    {
        int[] labels = Labels(700, 23, 5);
        float[][]? first = null;
        foreach (var backend in TestTensors.Teams)
        {
            (Tensor hidden, Tensor weight, Tensor bias) = Leaves(700, backend);
            float[][] gradients = Gradients(hidden, weight, bias, () => LinearCrossEntropy(hidden, weight, bias, labels));
            first ??= gradients;
            for (int i = 0; i < gradients.Length; i++)
            {
                TestTensors.SameBits(first[i], gradients[i]);
            }
        }
    }

    [Fact]
    public void A_weight_shared_with_the_embedding_and_a_second_head_receives_all_shares()
    {
        Tensor table = TestTensors.Random([9, 5], 1, trained: true);
        TestTensors.CheckGradients(
            () =>
            {
                Tensor hidden = Embedding(table, [3, 0, 3, 7]);
                return Add(LinearCrossEntropy(hidden, table, null, [1, 8, 2, 0]), LinearCrossEntropy(hidden, table, null, [4, 4, IgnoredLabel, 5]));
            },
            table);
    }

    [Fact]
    public void Micro_batches_add_up_and_the_gradients_memory_is_used_again()
    {
        using var backend = new Tensors.Cpu.CpuBackend(1); // how much working memory two threads hold at once depends on chance
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(20, backend);
        int[] labels = Labels(20, 23, 3);
        Func<Tensor> loss = () => LinearCrossEntropy(hidden, weight, bias, labels);
        float[] once = Gradients(hidden, weight, bias, loss)[1];
        using (Tape tape = Tape.Begin(backend: backend))
        {
            tape.Backward(loss());
        }

        TestTensors.Close([.. once.Select(g => 2.0 * g)], weight.Grad!.ToArray(), 1e-6);
        long peak = backend.Pool.PeakBytes;
        TestTensors.SameBits(once, Gradients(hidden, weight, bias, loss)[1]);
        Assert.Equal(peak, backend.Pool.PeakBytes);
    }

    [Fact]
    public void Two_heads_on_one_weight_use_its_gradients_memory_again()
    {
        using var backend = new Tensors.Cpu.CpuBackend(1); // how much working memory two threads hold at once depends on chance
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(20, backend);
        Func<Tensor> both = () => Add(
            LinearCrossEntropy(hidden, weight, bias, Labels(20, 23, 3)), LinearCrossEntropy(hidden, weight, bias, Labels(20, 23, 0), null, 2f));
        float[] first = Gradients(hidden, weight, bias, both)[1];
        (long live, long peak, _) = backend.Pool;
        TestTensors.SameBits(first, Gradients(hidden, weight, bias, both)[1]);
        Assert.Equal((live, peak), (backend.Pool.LiveBytes, backend.Pool.PeakBytes));
    }

    [Fact]
    public void A_head_that_is_no_part_of_the_loss_leaves_no_trace()
    {
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(20, Tensors.Cpu.CpuBackend.Shared);
        Func<Tensor> second = () => LinearCrossEntropy(hidden, weight, bias, Labels(20, 23, 3));
        float[][] expected = Gradients(hidden, weight, bias, second);
        float[][] actual = Gradients(
            hidden,
            weight,
            bias,
            () =>
            {
                LinearCrossEntropy(hidden, weight, bias, Labels(20, 23, 0));
                return second();
            });
        for (int i = 0; i < expected.Length; i++)
        {
            TestTensors.SameBits(expected[i], actual[i]);
        }
    }

    [Fact]
    public void Forward_passes_without_a_backward_pass_leave_no_trace_in_the_next_gradient()
    {
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(20, Tensors.Cpu.CpuBackend.Shared);
        int[] labels = Labels(20, 23, 3);
        Func<Tensor> loss = () => LinearCrossEntropy(hidden, weight, bias, labels);
        float[] expected = Gradients(hidden, weight, bias, loss)[1];
        weight.ClearGrad();
        using (Tape tape = Tape.Begin())
        {
            loss();
        }

        TestTensors.SameBits(expected, Gradients(hidden, weight, bias, loss)[1]);
    }

    [Fact]
    public void Nothing_but_ignored_labels_gives_zero_loss_and_zero_gradients()
    {
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(3, Tensors.Cpu.CpuBackend.Shared);
        int[] labels = [IgnoredLabel, IgnoredLabel, IgnoredLabel];
        Assert.Equal(0f, LinearCrossEntropy(hidden, weight, bias, labels).Item());
        Assert.All(Gradients(hidden, weight, bias, () => LinearCrossEntropy(hidden, weight, bias, labels)), gradient => Assert.All(gradient, g => Assert.Equal(0f, g)));
    }

    [Fact]
    public void Ignored_rows_are_never_read()
    {
        Tensor hidden = TestTensors.Random([4, 8], 1);
        hidden.Row(2).Fill(float.NaN);
        Assert.True(float.IsFinite(LinearCrossEntropy(hidden, TestTensors.Random([6, 8], 2), null, [1, 2, IgnoredLabel, 3]).Item()));
    }

    [Fact]
    public void A_frozen_head_passes_the_gradient_on_and_receives_none()
    {
        Tensor hidden = TestTensors.Random([4, 8], 1, trained: true);
        Tensor weight = TestTensors.Random([6, 8], 2, DType.BF16);
        TestTensors.CheckGradients(() => LinearCrossEntropy(hidden, weight, null, [1, 2, IgnoredLabel, 3]), hidden);
        Assert.Null(weight.Grad);
    }

    [Fact]
    public void Memory_of_the_logits_is_returned_at_once()
    {
        using var backend = new Tensors.Cpu.CpuBackend(2);
        (Tensor hidden, Tensor weight, Tensor bias) = Leaves(600, backend);
        using Tape tape = Tape.Begin(backend: backend);
        LinearCrossEntropy(hidden, weight, bias, Labels(600, 23, 3));
        Assert.True(backend.Pool.LiveBytes < 50_000, $"{backend.Pool.LiveBytes} bytes are live."); // gradient of hidden: 600 · 16 · 4 bytes
    }

    [Fact]
    public void Faults_are_named()
    {
        Tensor hidden = TestTensors.Random([4, 8], 1);
        Tensor weight = TestTensors.Random([6, 8], 2);
        Assert.Throws<ShapeException>(() => LinearCrossEntropy(hidden, TestTensors.Random([8, 6], 2), null, [1, 2, 3, 4]));
        Assert.Throws<ShapeException>(() => LinearCrossEntropy(hidden, weight, TestTensors.Random([8], 2), [1, 2, 3, 4]));
        Assert.Equal("LinearCrossEntropy: there are 3 labels for 4 rows.", Assert.Throws<ShapeException>(() => LinearCrossEntropy(hidden, weight, null, [1, 2, 3])).Message);
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => LinearCrossEntropy(hidden, weight, null, [1, 2, 6, 3]));
        Assert.Contains("LinearCrossEntropy: label 6 of row 2 is not one of the 6 classes", e.Message, StringComparison.Ordinal);
    }

    private static int[] Labels(int rows, int classes, int ignoreEvery) =>
        [.. Enumerable.Range(0, rows).Select(i => ignoreEvery > 0 && i % ignoreEvery == 0 ? IgnoredLabel : i * 7 % classes)];

    private static (Tensor Hidden, Tensor Weight, Tensor Bias) Leaves(int rows, Tensors.Cpu.CpuBackend backend) => (
        TestTensors.Random([rows, 16], 1, backend, trained: true),
        TestTensors.Random([23, 16], 2, backend, trained: true),
        TestTensors.Random([23], 3, backend, trained: true));

    private static float[][] Gradients(Tensor hidden, Tensor weight, Tensor bias, Func<Tensor> loss, float scale = 1f)
    {
        Tensor[] leaves = [hidden, weight, bias];
        Array.ForEach(leaves, leaf => leaf.ClearGrad());
        using Tape tape = Tape.Begin(backend: hidden.Backend);
        tape.Backward(loss(), scale);
        return Array.ConvertAll(leaves, leaf => leaf.Grad!.ToArray());
    }
}
