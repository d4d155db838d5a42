using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests;

public sealed class TapeTests
{
    [Fact]
    public void Memory_in_use_is_the_same_after_step_2_and_after_step_20()
    {
        using var backend = new CpuBackend(threads: 2);
        Tensor gain = Trainable([33], 2, backend);
        Tensor x = Normal([40, 33], 1, backend: backend);
        PoolStatistics early = default;
        for (int step = 1; step <= 20; step++)
        {
            using (var tape = Tape.Begin(dropout: Source((ulong)step), backend: backend))
            {
                Tensor h = Block(x, t => Add(t, Layer(t, gain)));
                h = Checkpoint(h, t => Add(t, Layer(t, gain)), hasTrainable: true);
                tape.Backward(Mean(Mul(h, h)));
            }

            Assert.Equal(NativePool.SizeClass(33 * sizeof(float)), backend.Pool.LiveBytes); // the gradient of the gain
            gain.ClearGrad();
            Assert.Equal(0, backend.Pool.LiveBytes);
            early = step == 2 ? backend.Pool : early;
        }

        Assert.Equal(early, backend.Pool);
        Assert.True(early.PeakBytes > 0);
    }

    [Fact]
    public void A_tape_computes_in_the_precision_it_was_given_or_in_that_of_the_tape_around_it()
    {
        using var outermost = Tape.Begin();
        Assert.Equal(MatMulPrecision.Fp32, outermost.Precision);
        using var rounding = Tape.Begin(precision: MatMulPrecision.Bf16);
        using (var inner = Tape.Begin(record: false))
        {
            Assert.Equal(MatMulPrecision.Bf16, inner.Precision);
        }

        using var exact = Tape.Begin(precision: MatMulPrecision.Fp32);
        Assert.Equal(MatMulPrecision.Fp32, exact.Precision);
    }

    [Fact]
    public void A_block_frees_what_neither_its_result_nor_a_backward_node_needs()
    {
        using var backend = new CpuBackend(threads: 1);
        Tensor x = Normal([64, 64], 1, backend: backend);
        long one = NativePool.SizeClass(x.Count * sizeof(float));
        using var tape = Tape.Begin(backend: backend);
        Tensor y = Block(x, t => Scale(Scale(Scale(t, 2f), 2f), 2f));
        Assert.Equal(one, backend.Pool.LiveBytes);
        Assert.Equal(x.ToArray()[5] * 8f, y.ToArray()[5]);

        Tensor trainable = Trainable([64, 64], 2, backend);
        Block(trainable, t => Scale(Mul(Scale(t, 2f), Scale(t, 3f)), 4f));
        Assert.Equal(4 * one, backend.Pool.LiveBytes); // y, the result, and the two factors that the product holds
    }

    [Fact]
    public void The_backward_pass_frees_activations_and_gradients_as_it_goes()
    {
        using var backend = new CpuBackend(threads: 1);
        Tensor x = Trainable([64, 64], 1, backend);
        using var tape = Tape.Begin(backend: backend);
        Tensor h = x;
        for (int i = 0; i < 50; i++)
        {
            h = Activate(h, Activation.Tanh);
        }

        Tensor kept = h.Keep();
        Tensor loss = Sum(h);
        long forward = backend.Pool.LiveBytes;
        tape.Backward(loss);
        long one = NativePool.SizeClass(x.Count * sizeof(float));
        Assert.True(backend.Pool.PeakBytes <= forward + (3 * one), "one activation is freed for each gradient that is made");
        Assert.Equal((2 * one) + NativePool.SizeClass(sizeof(float)), backend.Pool.LiveBytes); // what was kept, the gradient of x, and the loss
        Assert.Equal(64 * 64, kept.ToArray().Length);
    }

    [Fact]
    public void What_is_forgotten_frees_its_memory_unless_a_backward_node_needs_it()
    {
        using var backend = new CpuBackend(threads: 1);
        Tensor x = Trainable([64, 64], 1, backend);
        long one = NativePool.SizeClass(x.Count * sizeof(float));
        using var tape = Tape.Begin(backend: backend);
        Tensor free = Scale(x, 2f);
        Tensor held = Scale(free, 2f);
        Tensor y = Mul(held, held);
        Assert.Equal(3 * one, backend.Pool.LiveBytes);
        free.Forget();
        held.Forget();
        Assert.Equal(2 * one, backend.Pool.LiveBytes);
        tape.Backward(Sum(y));
        Assert.Equal(8f * 4f * x.ToArray()[3], x.Grad!.ToArray()[3], 1e-3f);
    }

    [Fact]
    public void What_is_cheap_to_compute_again_is_not_kept_in_memory()
    {
        using var backend = new CpuBackend(threads: 1);
        Tensor x = Trainable([64, 64], 1, backend);
        Tensor gain = Trainable([64], 2, backend);
        Tensor weight = Trainable([64, 64], 3, backend);
        long one = NativePool.SizeClass(x.Count * sizeof(float));
        using var tape = Tape.Begin(backend: backend);
        Tensor y = Block(x, t => Linear(Activate(Linear(RmsNorm(t, gain), weight), Activation.Gelu), weight));

        // The result, and what the activation reads. Norm and activation are computed again from x and from that.
        Assert.Equal((2 * one) + NativePool.SizeClass(64 * sizeof(float)), backend.Pool.LiveBytes);
        tape.Backward(Sum(y));
        Assert.NotNull(weight.Grad);
    }

    [Fact]
    public void Tensors_that_are_computed_again_change_no_bit_of_the_gradients()
    {
        // Llama's layer: one norm is read by two projections, both of which need it again; keeping everything is the reference.
        TensorAssert.Identical(Gradients(keep: true), Tensor.FromValues([(5 * 17) + 17 + (2 * 17 * 17)], Gradients(keep: false)));

        static float[] Gradients(bool keep)
        {
            Tensor x = Trainable([5, 17], 1);
            Tensor gain = Trainable([17], 2);
            Tensor first = Trainable([17, 17], 3);
            Tensor second = Trainable([17, 17], 4);
            using var tape = Tape.Begin();
            Tensor y = Block(x, t =>
            {
                Tensor h = Keep(LayerNorm(t, gain, null));
                h = Keep(GatedActivate(Linear(h, first), Linear(h, second), Activation.Silu));
                h = Keep(Activate(Linear(Keep(RmsNorm(h, gain)), first), Activation.Gelu));
                return Linear(Keep(Activate(h, Activation.Tanh)), second);
            });
            tape.Backward(Sum(Mul(y, y)));
            return [.. x.Grad!.ToArray(), .. gain.Grad!.ToArray(), .. first.Grad!.ToArray(), .. second.Grad!.ToArray()];

            Tensor Keep(Tensor t) => keep ? t.Keep() : t;
        }
    }

    [Fact]
    public void Memory_that_was_cleared_from_a_weight_is_an_error_to_read()
    {
        Tensor x = Trainable([3], 1);
        using (var tape = Tape.Begin())
        {
            tape.Backward(Sum(x));
        }

        Tensor gradient = x.Grad!;
        x.ClearGrad();
        Assert.Contains("gone back to the pool", Assert.Throws<InvalidOperationException>(gradient.ToArray).Message);
    }

    [Fact]
    public void Checkpointing_changes_no_bit_of_the_gradients_even_with_dropout()
    {
        float[] plain = Gradients(checkpointed: false);
        TensorAssert.Identical(plain, Tensor.FromValues([plain.Length], Gradients(checkpointed: true)));

        static float[] Gradients(bool checkpointed)
        {
            Tensor x = Trainable([6, 17], 1);
            Tensor gain = Trainable([17], 2);
            Tensor other = Trainable([17], 3);
            using var tape = Tape.Begin(dropout: Source(4));
            Tensor h = Dropout(Scale(x, 1.5f), 0.2f);
            h = checkpointed
                ? Checkpoint(h, t => Add(t, Layer(Add(t, Layer(t, gain)), other)), hasTrainable: true)
                : Add(h, Layer(Add(h, Layer(h, gain)), other));
            h = Dropout(h, 0.2f);
            tape.Backward(Sum(Mul(h, h)));
            return [.. x.Grad!.ToArray(), .. gain.Grad!.ToArray(), .. other.Grad!.ToArray()];
        }
    }

    [Fact]
    public void Checkpoints_hold_the_weights_of_a_block_whose_input_needs_no_gradient_and_may_be_nested()
    {
        Tensor x = Normal([6, 17], 1);
        Gradient(t => Checkpoint(x, h => Layer(h, t[0]), hasTrainable: true, t[0]), [[17]]);
        Gradient(t => Checkpoint(t[0], h => Checkpoint(Layer(h, t[1]), inner => Layer(inner, t[1]), hasTrainable: true), hasTrainable: true), [[3, 17], [17]]);
        Gradient(t => Checkpoint(t[0], h => Mul(h, h), hasTrainable: false), [[3, 17]]);
        Gradient(t => Checkpoint(t[0], h => Split(Scale(h, 2f), 4, 13)[1], hasTrainable: false), [[3, 17]]);
    }

    [Fact]
    public void A_checkpoint_may_read_other_results_of_the_step_when_they_are_named()
    {
        Gradient(t =>
        {
            Tensor encoded = Activate(t[1], Activation.Tanh);
            Tensor y = Checkpoint(t[0], h => Mul(h, encoded), hasTrainable: false, encoded);
            return Add(y, Checkpoint(Scale(y, 2f), h => Mul(h, encoded), hasTrainable: false, encoded));
        }, [[3, 7], [3, 7]]);
    }

    [Fact]
    public void Reading_memory_that_was_given_back_is_an_error_that_says_so()
    {
        Tensor x = Trainable([3], 1);
        Tensor late;
        using (var tape = Tape.Begin())
        {
            late = Scale(x, 2f);
            Tensor y = Checkpoint(x, h => Mul(h, late), hasTrainable: false); // does not name what it reads
            Assert.Contains("name in Checkpoint", Assert.Throws<InvalidOperationException>(() => tape.Backward(Sum(y))).Message);
        }

        Assert.Contains("gone back to the pool", Assert.Throws<InvalidOperationException>(late.ToArray).Message);
    }

    [Fact]
    public void A_checkpoint_keeps_only_its_input_and_its_result()
    {
        using var backend = new CpuBackend(threads: 1);
        Tensor x = Trainable([64, 64], 1, backend);
        long one = NativePool.SizeClass(x.Count * sizeof(float));
        using var tape = Tape.Begin(backend: backend);
        Checkpoint(x, t => Activate(Activate(Activate(t, Activation.Tanh), Activation.Tanh), Activation.Tanh), hasTrainable: false);
        Assert.Equal(one, backend.Pool.LiveBytes);
    }

    [Fact]
    public void A_gradient_buffer_that_is_passed_on_to_several_tensors_is_copied_before_it_is_changed()
    {
        // The residual x + f(x) + g(x): all three summands share the gradient of the sum, and f and g add to that of x.
        Gradient(t => Add(Add(t[0], Activate(t[0], Activation.Tanh)), Mul(t[0], t[0])), [[3, 7]]);
        Gradient(t =>
        {
            Tensor x = Scale(t[0], 1.5f);
            return Add(Add(x, Activate(x, Activation.Tanh)), Mul(x, x));
        }, [[3, 7]]);
        Gradient(t =>
        {
            Tensor x = Scale(t[0], 1.5f);
            Tensor twice = Add(x, x);
            return Add(twice, Mul(twice, Reshape(Reshape(x, [21]), [3, 7])));
        }, [[3, 7]]);
        Gradient(t =>
        {
            Tensor a = Scale(t[0], 2f);
            Tensor b = Add(a, Scale(t[1], 3f));
            return Add(Mul(b, b), Add(a, Add(b, a)));
        }, [[3, 7], [3, 7]]);
    }

    [Fact]
    public void A_part_of_a_split_without_gradient_counts_as_zero()
    {
        Gradient(t => Split(Scale(t[0], 2f), 3, 5)[1], [[4, 8]]);
        Gradient(t =>
        {
            Tensor[] parts = Split(Scale(t[0], 2f), 3, 3, 2);
            return Add(Mul(parts[0], parts[0]), parts[0]);
        }, [[4, 8]]);
    }

    [Fact]
    public void A_split_tensor_that_is_also_used_whole_is_refused()
    {
        Tensor x = Trainable([2, 4], 1);
        using var tape = Tape.Begin();
        Tensor h = Scale(x, 2f);
        Tensor whole = Sum(h);
        Tensor loss = Add(whole, Sum(Split(h, 1, 3)[1]));
        Assert.Contains("also used whole", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message);
        Assert.Throws<ShapeException>(() => Split(Scale(x, 1f), 2, 3));
        Assert.Throws<ShapeException>(() => Split(Scale(x, 1f), 2, 1));
    }

    [Fact]
    public void Gradients_of_leaves_add_up_over_tapes_until_they_are_cleared()
    {
        Tensor x = Trainable([3], 1);
        Step(x, 1f);
        Step(x, 10f);
        Assert.Equal([11f, 11f, 11f], x.Grad!.ToArray());
        x.ClearGrad();
        Assert.Null(x.Grad);
        Step(x, 2f);
        Assert.Equal([2f, 2f, 2f], x.Grad!.ToArray());

        static void Step(Tensor x, float scale)
        {
            using var tape = Tape.Begin();
            tape.Backward(Sum(x), scale);
        }
    }

    [Fact]
    public void Nothing_is_recorded_for_frozen_tensors_or_for_inference()
    {
        Tensor frozen = Normal([3], 1);
        Tensor trainable = Trainable([3], 2);
        using (var tape = Tape.Begin())
        {
            Mul(Scale(frozen, 2f), frozen);
            Assert.Empty(tape.Nodes);
            Mul(frozen, trainable);
            Assert.Equal("Mul", Assert.Single(tape.Nodes).Name);
            Assert.Equal([frozen], tape.Nodes[0].Held);
            Assert.Equal([frozen, trainable], tape.Nodes[0].Inputs);
            Assert.Equal(6, tape.Nodes[0].FlopsFor(trainable));
        }

        using var inference = Tape.Begin(record: false);
        Mul(frozen, trainable);
        Assert.Empty(inference.Nodes);
    }

    [Fact]
    public void A_loss_must_be_one_number_that_depends_on_something_trainable()
    {
        Tensor trainable = Trainable([3], 2);
        using var tape = Tape.Begin();
        Assert.Throws<ShapeException>(() => tape.Backward(Scale(trainable, 2f)));
        Assert.Throws<InvalidOperationException>(() => tape.Backward(Sum(Normal([3], 1))));
    }

    [Fact]
    public void Tapes_nest_and_close_innermost_first()
    {
        Assert.Null(Tape.Current);
        using (var outer = Tape.Begin())
        {
            var inner = Tape.Begin(record: false);
            Assert.Throws<InvalidOperationException>(outer.Dispose);
            inner.Dispose();
            Assert.Same(outer, Tape.Current);
        }

        Assert.Null(Tape.Current);
    }

    [Fact]
    public void A_warm_step_allocates_little_more_than_the_tensors_and_nodes_that_it_names()
    {
        const int Operations = 100;
        Tensor weight = Trainable([8, 8], 1);
        Tensor x = Normal([4, 8], 2);
        for (int i = 0; i < 3; i++)
        {
            Step();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Step();
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(bytes / Operations, 1, 700); // two tensors, their memory's records and shapes, one node; 1,300 when messages were built in vain

        void Step()
        {
            using var tape = Tape.Begin();
            Tensor y = x;
            for (int i = 0; i < Operations; i++)
            {
                y = Linear(y, weight);
            }

            tape.Backward(Sum(y));
        }
    }

    private static DropoutSource Source(ulong pass) => new(new Rng(5, RngStream.Dropout), pass);

    private static Tensor Trainable(Shape shape, ulong seed, Backend? backend = null)
    {
        Tensor tensor = Normal(shape, seed, backend: backend);
        tensor.NeedsGrad = true;
        return tensor;
    }

    private static Tensor Layer(Tensor x, Tensor gain) => Dropout(Activate(RmsNorm(x, gain), Activation.Gelu), 0.3f);
}
