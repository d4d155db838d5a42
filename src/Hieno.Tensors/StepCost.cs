namespace Hieno.Tensors;

/// <summary>What one step costs, and what it would cost if other weights learned: asked of the operations that a trace recorded.</summary>
/// <remarks>
/// The cost model of Huang et al. 2023, <see href="https://arxiv.org/abs/2309.13192"/>, for any network: which derivatives are
/// wanted follows from the weights that learn, and each operation says what they cost (<see cref="Backward.FlopsFor"/>).
/// </remarks>
public sealed class StepCost
{
    private readonly Backward[] _nodes;
    private readonly long _forward;

    /// <summary>Takes stock of a forward pass, up to its loss.</summary>
    /// <param name="trace">An open tape of <see cref="Tape.BeginTrace"/>; it may be closed afterwards.</param>
    /// <exception cref="ArgumentException">The tape is no trace.</exception>
    public StepCost(Tape trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (!trace.IsTrace)
        {
            throw new ArgumentException("Only a trace records every operation. Open the tape by Tape.BeginTrace.", nameof(trace));
        }

        (_nodes, _forward) = ([.. trace.Nodes], trace.ForwardFlops);
        Leaves = [.. _nodes.SelectMany(node => node.Inputs).Where(input => input.Producer is null).Distinct()];
    }

    /// <summary>What was read and not computed, such as weights, by first use: those nearest the input come first.</summary>
    public IReadOnlyList<Tensor> Leaves { get; }

    /// <summary>What the step costs if exactly these weights learn.</summary>
    /// <param name="learning">Some of the <see cref="Leaves"/>; others are left out.</param>
    public StepFlops Of(IReadOnlySet<Tensor> learning) => Ask(learning, () =>
    {
        (long passed, long weights) = (0, 0);
        var computedTwice = new HashSet<int>();
        foreach (Backward node in _nodes)
        {
            foreach (Tensor input in node.Inputs.Where(input => input.NeedsGrad))
            {
                (passed, weights) = input.Producer is null ? (passed, weights + node.FlopsFor(input)) : (passed + node.FlopsFor(input), weights);
                computedTwice.Add(node.Checkpoint);
            }
        }

        computedTwice.Remove(0); // in no checkpoint
        long again = _nodes.Where(node => computedTwice.Contains(node.Checkpoint)).Sum(node => node.ForwardFlops);
        return new StepFlops(_forward, again, passed, weights);
    });

    /// <summary>What the gradient of each weight costs if exactly these learn, without that of passing gradients on to it.</summary>
    /// <param name="learning">Some of the <see cref="Leaves"/>.</param>
    public IReadOnlyDictionary<Tensor, long> OfWeights(IReadOnlySet<Tensor> learning) => Ask(learning, () => _nodes
        .SelectMany(node => node.Inputs.Where(input => input.NeedsGrad && input.Producer is null).Select(input => (Input: input, Flops: node.FlopsFor(input))))
        .GroupBy(item => item.Input)
        .ToDictionary(group => group.Key, group => group.Sum(item => item.Flops)));

    /// <summary>Forward and backward cost of each kind of operation if exactly these weights learn, dearest first.</summary>
    /// <param name="learning">Some of the <see cref="Leaves"/>.</param>
    public IReadOnlyList<OperationFlops> OfOperations(IReadOnlySet<Tensor> learning) => Ask(learning, () => (OperationFlops[])[.. _nodes
        .GroupBy(node => node.Name, StringComparer.Ordinal)
        .Select(group => new OperationFlops(group.Key, group.Count(), group.Sum(node => node.ForwardFlops), group.Sum(node => node.NeededFlops())))
        .OrderByDescending(item => item.Forward + item.Backward)]);

    // The operations look at NeedsGrad to see what is wanted, so it says for a moment what it would say if these weights learned.
    private T Ask<T>(IReadOnlySet<Tensor> learning, Func<T> question)
    {
        ArgumentNullException.ThrowIfNull(learning);
        bool[] truth = [.. Leaves.Select(leaf => leaf.NeedsGrad)];
        try
        {
            foreach (Tensor leaf in Leaves)
            {
                leaf.NeedsGrad = learning.Contains(leaf);
            }

            foreach (Tensor input in _nodes.SelectMany(node => node.Inputs))
            {
                input.NeedsGrad = input.Producer is { } producer ? producer.Inputs.Any(read => read.NeedsGrad) : input.NeedsGrad;
            }

            return question();
        }
        finally
        {
            for (int i = 0; i < truth.Length; i++)
            {
                Leaves[i].NeedsGrad = truth[i];
            }
        }
    }
}

/// <summary>Floating-point operations of one step; a multiply-add counts as two.</summary>
/// <param name="Forward">Of the forward pass.</param>
/// <param name="Recomputed">Of what is computed again for the backward pass (<see cref="Ops.Checkpoint"/>).</param>
/// <param name="Passed">Of passing gradients on from operation to operation.</param>
/// <param name="Weights">Of the gradients of weights.</param>
public readonly record struct StepFlops(long Forward, long Recomputed, long Passed, long Weights)
{
    /// <summary>Of the backward pass, with what is computed again for it.</summary>
    public long Backward => Recomputed + Passed + Weights;

    /// <summary>Of the step; the optimizer's are not counted.</summary>
    public long Total => Forward + Backward;
}

/// <summary>Floating-point operations of one kind of operation in a step.</summary>
/// <param name="Operation">Its name, e.g. <c>Linear</c>.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Forward">Of the forward pass.</param>
/// <param name="Backward">Of the derivatives that are wanted.</param>
public readonly record struct OperationFlops(string Operation, int Count, long Forward, long Backward);
