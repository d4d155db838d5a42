namespace Hieno.Tensors;

/// <summary>
/// The backward half of one recorded operation: it holds exactly what its derivative needs and knows what each derivative costs.
/// </summary>
public abstract class Backward
{
    private readonly Tensor[] _inputs;

    // Made when there is something to put in: many operations keep nothing.
    private List<Tensor>? _held;
    private List<Tensor>? _read;

    /// <summary>Creates a node for an operation on <paramref name="inputs"/>; null entries (an absent bias) are left out.</summary>
    protected Backward(params ReadOnlySpan<Tensor?> inputs)
    {
        int count = 0;
        foreach (Tensor? input in inputs)
        {
            count += input is null ? 0 : 1;
        }

        _inputs = new Tensor[count];
        for (int i = inputs.Length - 1; i >= 0; i--)
        {
            if (inputs[i] is { } input)
            {
                _inputs[--count] = input;
            }
        }
    }

    /// <summary>The tensors the operation read.</summary>
    public IReadOnlyList<Tensor> Inputs => _inputs;

    /// <summary>The tensor it computed.</summary>
    public Tensor Output { get; internal set; } = null!;

    /// <summary>The operation's name, e.g. <c>RmsNorm</c>.</summary>
    public string Name => GetType().Name.Replace("Backward", string.Empty, StringComparison.Ordinal);

    /// <summary>The tensors kept in memory for this node, to list what a step holds.</summary>
    public IReadOnlyList<Tensor> Held => _held ?? (IReadOnlyList<Tensor>)[];

    /// <summary>Floating-point operations that computing the output took; known in a trace only (<see cref="Tape.IsTrace"/>), elsewhere 0.</summary>
    public long ForwardFlops { get; internal set; }

    /// <summary>In a trace, the number of the checkpoint that computes the operation again for the backward pass; 0 where none does.</summary>
    internal int Checkpoint { get; set; }

    /// <summary>True when a gradient has reached the output, so that there is something to pass on.</summary>
    internal virtual bool IsReached => Output.Grad is not null;

    /// <summary>True where running back may read weights that are not among <see cref="Inputs"/>. Default: false.</summary>
    internal virtual bool ReadsUnseen => false;

    /// <summary>Floating-point operations spent on the derivative with respect to <paramref name="input"/> (a multiply-add counts as two).</summary>
    public abstract long FlopsFor(Tensor input);

    /// <summary>Floating-point operations of the derivatives that are wanted.</summary>
    public long NeededFlops()
    {
        long sum = 0;
        foreach (Tensor input in _inputs)
        {
            sum += Needs(input) ? FlopsFor(input) : 0;
        }

        return sum;
    }

    /// <summary>Adds this operation's share to the gradients of the inputs that need one.</summary>
    /// <param name="dy">The gradient of the output: read only.</param>
    protected abstract void Run(Tensor dy);

    /// <summary>False where the derivative with respect to <paramref name="input"/> is not wanted and must not be computed.</summary>
    protected static bool Needs(Tensor? input) => input is { NeedsGrad: true };

    /// <summary>
    /// True where <see cref="Output"/> is cheap to compute again from what this node holds, as that of a normalisation is. Whoever holds
    /// such a tensor does not keep it in memory: it is computed again when it is read in the backward pass.
    /// </summary>
    protected internal virtual bool CanRestore => false;

    /// <summary>Computes the operation again, to the bit, into <see cref="Output"/>; for nodes that <see cref="CanRestore"/>.</summary>
    protected internal virtual void Restore() => throw new NotSupportedException($"{Name} cannot compute its output again.");

    /// <summary>Has the content of <paramref name="tensor"/> at hand when this node runs: keeps it, or has it computed again.</summary>
    /// <returns><paramref name="tensor"/>.</returns>
    protected Tensor Hold(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (IsRestorable(tensor))
        {
            tensor.Storage.Readers++;
            (_read ??= new List<Tensor>(capacity: 2)).Add(tensor);
        }
        else
        {
            tensor.Storage.Holds++;
            (_held ??= new List<Tensor>(capacity: 2)).Add(tensor);
        }

        return tensor;
    }

    /// <summary>The buffer for the gradient of <paramref name="input"/>.</summary>
    /// <param name="input">An input that needs a gradient.</param>
    /// <param name="accumulate">True when the buffer already holds other shares, to be added to; false when its content is undefined, to be overwritten.</param>
    protected static Tensor GradOf(Tensor input, out bool accumulate)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.GradOwner is { } owner)
        {
            return GradOfPart(input, owner, out accumulate);
        }

        if (input.IsSplit)
        {
            throw new InvalidOperationException($"Split: the tensor {input.Shape} that was split is also used whole. Use its parts, or a copy of it.");
        }

        if (input.Grad is null)
        {
            // Leaves are weights: their gradient outlives the step, to be accumulated over micro-batches and read by the optimizer.
            input.Grad = input.Producer is null ? LeaseGrad(input) : Tape.Current!.RentGrad(input.Shape);
            accumulate = false;
            return input.Grad;
        }

        if (input.Producer is not null && input.Grad.Storage.Holds > 1)
        {
            // PassGrad let several tensors share this buffer; write to a copy of our own.
            Tensor copy = Tape.Current!.RentGrad(input.Shape);
            input.Backend.Copy(input.Grad, copy);
            input.Grad.Storage.Release();
            input.Grad = copy;
        }

        accumulate = true;
        return input.Grad;
    }

    /// <summary>Passes <paramref name="dy"/> on unchanged (the derivative is 1): shares the buffer where possible instead of copying it.</summary>
    protected internal static void PassGrad(Tensor input, Tensor dy)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(dy);
        if (input is { Grad: null, Producer: not null, GradOwner: null, IsSplit: false } && dy.IsContiguous)
        {
            dy.Storage.Holds++;
            input.Grad = dy.View(input.Shape);
            return;
        }

        Tensor grad = GradOf(input, out bool accumulate);
        if (accumulate)
        {
            input.Backend.AddInto(dy, grad);
        }
        else
        {
            input.Backend.Copy(dy, grad);
        }
    }

    internal virtual void RunFromTape()
    {
        for (int i = 0; i < (_read?.Count ?? 0); i++)
        {
            Tensor tensor = _read![i];
            if (tensor.Storage.Pointer == 0)
            {
                tensor.Storage.Restore();
                tensor.Producer!.Restore();
            }
        }

        Run(Output.Grad!);
    }

    /// <summary>Memory for the gradient of a weight, which its owner gives back by <see cref="Tensor.ClearGrad"/>.</summary>
    internal static Tensor LeaseGrad(Tensor leaf)
    {
        Storage storage = leaf.Backend.Lease(leaf.Count * sizeof(float));
        storage.Holds = 1;
        return new Tensor(storage, leaf.Shape);
    }

    /// <summary>Lets go of everything this node and its output's gradient kept in memory.</summary>
    internal virtual void ReleaseAll()
    {
        if (_held is { } held)
        {
            foreach (Tensor tensor in held)
            {
                tensor.Storage.Release();
            }

            held.Clear();
        }

        if (_read is { } read)
        {
            foreach (Tensor tensor in read)
            {
                tensor.Storage.LeaveReader();
            }

            read.Clear();
        }

        ReleaseGrad(Output);
    }

    private protected static void ReleaseGrad(Tensor output)
    {
        if (output.Grad is { } grad && output.GradOwner is null)
        {
            output.Grad = null;
            grad.Storage.Release();
        }
    }

    // What is computed again must lie in memory itself, so that one step back is enough.
    private static bool IsRestorable(Tensor tensor) =>
        tensor.Producer is { CanRestore: true, _read: null or { Count: 0 } } producer && ReferenceEquals(producer.Output, tensor);

    private static Tensor GradOfPart(Tensor part, Tensor owner, out bool accumulate)
    {
        accumulate = part.Grad is not null;
        if (part.Grad is null)
        {
            owner.Grad ??= owner.Producer is null ? LeaseGrad(owner) : Tape.Current!.RentGrad(owner.Shape);
            part.Grad = new Tensor(owner.Grad.Storage, part.Shape, DType.F32, owner.Grad.Offset + (part.Offset - owner.Offset), owner.Grad.RowStride);
        }

        return part.Grad;
    }
}
