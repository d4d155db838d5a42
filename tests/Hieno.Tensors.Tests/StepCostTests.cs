using Hieno.Tensors.Cpu;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.TestTensors;

namespace Hieno.Tensors.Tests;

public sealed class StepCostTests
{
    private const int Rows = 6;

    // x [6, 5] → Linear [7, 5] with bias → tanh → Linear [3, 7] → sum of squares.
    private readonly Tensor _x = Random([Rows, 5], 1);
    private readonly Tensor _first = Random([7, 5], 2);
    private readonly Tensor _bias = Random([7], 3);
    private readonly Tensor _second = Random([3, 7], 4);

    [Fact]
    public void A_two_layer_network_costs_what_was_counted_by_hand()
    {
        StepCost cost = Trace();
        Assert.Equal([_x, _first, _bias, _second], cost.Leaves);

        // 2·6·5·7 + 6·7 bias, 20·6·7 activation, 2·6·7·3, a product and a sum of 6·3.
        const long Forward = 420 + 42 + 840 + 252 + 18 + 18;
        const long LossBackward = 18 + (2 * (2 * 18));
        Assert.Equal(new StepFlops(Forward, 0, LossBackward, 252), cost.Of(Set(_second)));
        Assert.Equal(new StepFlops(Forward, 0, LossBackward + 252 + 840, 42), cost.Of(Set(_bias)));
        Assert.Equal(new StepFlops(Forward, 0, LossBackward + 252 + 840, 420 + 42 + 252), cost.Of(Set(_first, _bias, _second)));
        Assert.Equal(new StepFlops(Forward, 0, 0, 0), cost.Of(Set()));
        Assert.Equal(Forward + LossBackward + 252, cost.Of(Set(_second)).Total);
    }

    [Fact]
    public void The_gradient_of_each_weight_and_each_kind_of_operation_has_its_cost()
    {
        StepCost cost = Trace();
        Assert.Equal(new Dictionary<Tensor, long> { [_first] = 420, [_bias] = 42, [_second] = 252 }, cost.OfWeights(Set(_first, _bias, _second)));
        IReadOnlyList<OperationFlops> operations = cost.OfOperations(Set(_first, _second));
        Assert.Equal(new OperationFlops("Activate", 1, 840, 840), operations[0]);
        Assert.Equal(new OperationFlops("Linear", 2, 420 + 42 + 252, 420 + 252 + 252), operations[1]);
        Assert.Equal(["Activate", "Linear", "Mul", "Sum"], operations.Select(item => item.Operation));
    }

    [Fact]
    public void A_step_that_is_taken_counts_what_the_trace_foresaw()
    {
        StepCost cost = Trace();
        foreach (Tensor[] learning in (Tensor[][])[[_second], [_bias], [_first, _second], [_first, _bias, _second]])
        {
            (long forward, long backward) = Taken(learning, checkpointed: false);
            StepFlops foreseen = cost.Of(Set(learning));
            Assert.Equal((foreseen.Forward, foreseen.Backward), (forward, backward));
        }
    }

    [Fact]
    public void What_a_checkpoint_computes_again_is_counted_where_a_gradient_passes_it()
    {
        StepCost cost = Trace(checkpointed: true);
        const long Block = 420 + 42 + 840;
        Assert.Equal(0, cost.Of(Set(_second)).Recomputed);
        Assert.Equal(Block, cost.Of(Set(_bias)).Recomputed);
        (long forward, long backward) = Taken([_bias, _second], checkpointed: true);
        StepFlops foreseen = cost.Of(Set(_bias, _second));
        Assert.Equal((foreseen.Forward + Block, foreseen.Backward - Block), (forward, backward));
    }

    [Fact]
    public void A_trace_keeps_no_memory_and_leaves_what_learns_as_it_was()
    {
        _bias.NeedsGrad = true;
        using var backend = new CpuBackend(1);
        Tensor wide = Random([64, 64], 5, backend);
        long before = backend.Pool.LiveBytes;
        using (Tape tape = Tape.BeginTrace(backend: backend))
        {
            Block(wide, h => Scale(Tanh(Scale(h, 2f)), 3f));
            Assert.Equal(3, tape.Nodes.Count);
            Assert.InRange(backend.Pool.LiveBytes - before, 64 * 64 * 4, (64 * 64 * 4) + 4096); // the result alone, not what Tanh would hold
        }

        Trace().Of(Set(_first));
        Assert.True(_bias.NeedsGrad);
        Assert.False(_first.NeedsGrad);
        Assert.Null(_bias.Grad);
    }

    [Fact]
    public void A_tape_that_is_no_trace_is_refused()
    {
        using Tape tape = Tape.Begin();
        Assert.Contains("BeginTrace", Assert.Throws<ArgumentException>(() => new StepCost(tape)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Steps_inside_of_a_step_count_for_it()
    {
        using Tape outer = Tape.Begin();
        using (Tape inner = Tape.Begin(record: false))
        {
            Scale(_x, 2f);
        }

        Assert.Equal(_x.Count, outer.ForwardFlops);
    }

    private StepCost Trace(bool checkpointed = false)
    {
        using Tape tape = Tape.BeginTrace();
        Loss(checkpointed, trains: true);
        return new StepCost(tape);
    }

    private (long Forward, long Backward) Taken(Tensor[] learning, bool checkpointed)
    {
        Tensor[] weights = [_first, _bias, _second];
        Array.ForEach(weights, weight => weight.NeedsGrad = learning.Contains(weight));
        using Tape tape = Tape.Begin();
        tape.Backward(Loss(checkpointed, learning.Contains(_first) || learning.Contains(_bias)));
        Array.ForEach(weights, weight =>
        {
            weight.NeedsGrad = false;
            weight.ClearGrad();
        });
        return (tape.ForwardFlops, tape.BackwardFlops);
    }

    private Tensor Loss(bool checkpointed, bool trains)
    {
        Func<Tensor, Tensor> block = x => Tanh(Linear(x, _first, _bias));
        Tensor h = checkpointed ? Checkpoint(_x, block, trains) : Block(_x, block);
        Tensor y = Linear(h, _second);
        return Sum(Mul(y, y));
    }

    private static Tensor Tanh(Tensor x) => Activate(x, Activation.Tanh);

    private static HashSet<Tensor> Set(params Tensor[] tensors) => [.. tensors];
}
