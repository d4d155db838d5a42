using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class LowRankUpdateTests
{
    private static readonly Shape[] s_shapes = [[2, 3, 7], [2, 3, 5], [2, 5], [7, 2]];

    [Theory]
    [InlineData(0f)]
    [InlineData(0.4f)]
    public void Results_and_gradients_are_the_bits_of_the_separate_operations(float dropout)
    {
        float[][] fused = Run((y, x, a, b) => LowRankUpdate(y, x, a, b, 0.5f, dropout));
        float[][] separate = Run((y, x, a, b) => Add(y, Linear(Scale(Linear(Dropout(x, dropout), a), 0.5f), b)));
        for (int i = 0; i < separate.Length; i++)
        {
            TestTensors.SameBits(separate[i], fused[i]);
        }

        static float[][] Run(Func<Tensor, Tensor, Tensor, Tensor, Tensor> update)
        {
            Tensor x = TestTensors.Random([40, 70], 1, trained: true);
            Tensor weight = TestTensors.Random([90, 70], 2);
            Tensor a = TestTensors.Random([8, 70], 3, trained: true);
            Tensor b = TestTensors.Random([90, 8], 4, trained: true);
            using Tape tape = Tape.Begin(dropout: new DropoutSource(new Rng(5, RngStream.Dropout), pass: 3));
            Tensor z = update(Linear(x, weight), x, a, b);
            float[] values = z.ToArray();
            tape.Backward(TestTensors.WeightedSum(z, TestTensors.Normal(40 * 90, 6)));
            return [values, a.Grad!.ToArray(), b.Grad!.ToArray()];
        }
    }

    [Fact]
    public void Gradients_equal_central_differences() =>
        OpChecks.Gradient(inputs => LowRankUpdate(inputs[0], inputs[1], inputs[2], inputs[3], 1.5f), s_shapes);

    [Fact]
    public void Gradients_equal_central_differences_where_the_sum_is_written_over_y()
    {
        Tensor x = TestTensors.Random([4, 6], 1, trained: true);
        Tensor weight = TestTensors.Random([5, 6], 2, trained: true);
        Tensor a = TestTensors.Random([2, 6], 3, trained: true);
        Tensor b = TestTensors.Random([5, 2], 4, trained: true);
        TestTensors.CheckGradients(() => LowRankUpdate(Linear(x, weight), x, a, b, 2f), x, weight, a, b);
    }

    [Fact]
    public void All_vector_widths_and_thread_counts_agree()
    {
        Func<Tensor[], Tensor> update = inputs => LowRankUpdate(Scale(inputs[0], 1f), inputs[1], inputs[2], inputs[3], 0.5f, 0.2f);
        Shape[] shapes = [[150, 70], [150, 90], [8, 90], [70, 8]];
        OpChecks.AllWidthsAgree(update, shapes, absolute: 1e-4, relative: 1e-5);
        OpChecks.AllThreadCountsAgree(update, shapes);
    }

    [Fact]
    public void The_sum_takes_the_memory_of_y()
    {
        using Tape tape = Tape.Begin();
        Tensor y = Scale(TestTensors.Random([4, 5], 1), 1f);
        Tensor z = LowRankUpdate(y, TestTensors.Random([4, 6], 2), TestTensors.Random([2, 6], 3), TestTensors.Random([5, 2], 4));
        Assert.Equal(y.Pointer, z.Pointer);
    }

    [Fact]
    public void What_another_operation_still_reads_is_left_as_it_is()
    {
        Tensor leaf = TestTensors.Random([4, 5], 1, trained: true);
        Tensor x = TestTensors.Random([4, 6], 2);
        Tensor a = TestTensors.Random([2, 6], 3, trained: true);
        Tensor b = TestTensors.Random([5, 2], 4, trained: true);
        TestTensors.CheckGradients(
            () =>
            {
                Tensor y = Scale(leaf, 1f);
                Tensor square = Mul(y, y); // its derivative reads y
                return Add(LowRankUpdate(y, x, a, b), square);
            },
            leaf,
            a,
            b);
    }

    [Fact]
    public void A_tensor_that_outlives_the_step_is_not_written_to()
    {
        Tensor y = TestTensors.Random([4, 5], 1);
        float[] before = y.ToArray();
        using Tape tape = Tape.Begin();
        LowRankUpdate(y, TestTensors.Random([4, 6], 2), TestTensors.Random([2, 6], 3), TestTensors.Random([5, 2], 4));
        TestTensors.SameBits(before, y.ToArray());
    }

    [Theory]
    [InlineData(true, false, 1)]
    [InlineData(false, true, 1)]
    [InlineData(true, true, 2)]
    public void A_frozen_factor_receives_no_gradient_and_keeps_nothing(bool trainA, bool trainB, int held)
    {
        Tensor a = TestTensors.Random([2, 6], 3, trained: trainA);
        Tensor b = TestTensors.Random([5, 2], 4, trained: trainB);
        using Tape tape = Tape.Begin();
        Tensor z = LowRankUpdate(TestTensors.Random([4, 5], 1), TestTensors.Random([4, 6], 2), a, b);
        Assert.Equal(held, tape.Nodes[^1].Held.Count);
        tape.Backward(TestTensors.WeightedSum(z, TestTensors.Normal(20, 7)));
        Assert.Equal(trainA, a.Grad is not null);
        Assert.Equal(trainB, b.Grad is not null);
    }

    [Fact]
    public void The_cost_of_both_factors_is_counted_once()
    {
        Tensor x = TestTensors.Random([4, 6], 2, trained: true);
        Tensor a = TestTensors.Random([2, 6], 3, trained: true);
        Tensor b = TestTensors.Random([5, 2], 4, trained: true);
        using Tape tape = Tape.Begin();
        LowRankUpdate(TestTensors.Random([4, 5], 1), x, a, b);
        Backward node = tape.Nodes[^1];
        Assert.Equal(2 * 4 * (2 * 6), node.FlopsFor(x));
        Assert.Equal((2 * 4 * (2 * 6)) + (2 * 4 * (5 * 2)), node.FlopsFor(a));
        Assert.Equal(2 * 4 * (5 * 2), node.FlopsFor(b));
    }

    [Fact]
    public void A_fault_names_all_shapes()
    {
        var fault = Assert.Throws<ShapeException>(() =>
            LowRankUpdate(TestTensors.Random([4, 5], 1), TestTensors.Random([4, 6], 2), TestTensors.Random([2, 6], 3), TestTensors.Random([5, 3], 4)));
        Assert.Contains("[5, 3]", fault.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 6]", fault.Message, StringComparison.Ordinal);
    }
}
