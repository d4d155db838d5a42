namespace Hieno.Tensors;

/// <summary>
/// One step: it owns the tensors made while it is open and records how they were computed, so that <see cref="Backward"/> can run
/// the chain rule in reverse. Closing it gives all their memory back to the backend's pool.
/// </summary>
/// <remarks>
/// Memory is returned early wherever possible. Inside <see cref="Ops.Block"/>, whatever no backward node holds is freed when the block
/// ends; during the backward pass each node's saved tensors and gradients are freed as soon as it has run.
/// A tape belongs to the thread that opened it.
/// </remarks>
public sealed class Tape : IDisposable
{
    [ThreadStatic]
    private static Tape? s_current;

    // Emptied lists of earlier steps and blocks: one step's lists are as long as the next one's, and growing them anew would cost memory.
    [ThreadStatic]
    private static Stack<List<Storage>>? s_emptyLists;

    private readonly Tape? _outer;
    private readonly List<Storage> _rented = TakeList();
    private List<Storage> _scope = TakeList();
    private List<Backward> _nodes = [];

    private readonly bool _checkFinite;

    // Of a trace: what the operations recorded so far cost, and the number of the checkpoint they are in.
    private long _recordedFlops;
    private int _checkpoint;

    private Tape(Backend backend, bool record, bool checkFinite)
    {
        _checkFinite = checkFinite;
        Backend = backend;
        IsRecording = record;
        _outer = s_current;
        s_current = this;
    }

    /// <summary>The innermost open tape of this thread, or null.</summary>
    public static Tape? Current => s_current;

    /// <summary>Where tensors made on this tape lie.</summary>
    public Backend Backend { get; }

    /// <summary>How the operands of this pass's matrix products are rounded.</summary>
    public MatMulPrecision Precision { get; private init; }

    /// <summary>True while operations are recorded for a backward pass.</summary>
    public bool IsRecording { get; private set; }

    /// <summary>The random masks of this pass, or null when dropout is off (evaluation).</summary>
    public DropoutSource? Dropout { get; init; }

    /// <summary>True in a pass of training, which has a <see cref="Dropout"/> source even where no layer drops: batch normalisation then reads the batch.</summary>
    public bool IsTraining => Dropout is not null;

    /// <summary>
    /// True while every operation is recorded, whether or not it needs a gradient, and nothing is kept for a backward pass: to look at a
    /// step, as <see cref="StepCost"/> does, and not to take it.
    /// </summary>
    public bool IsTrace { get; private init; }

    /// <summary>
    /// Floating-point operations of the forward pass so far, those of blocks that are computed again included (a multiply-add counts as
    /// two). Norms and activations that the backward pass restores are not counted again.
    /// </summary>
    public long ForwardFlops { get; private set; }

    /// <summary>Floating-point operations of the backward pass so far, by <see cref="Tensors.Backward.FlopsFor"/>.</summary>
    public long BackwardFlops { get; private set; }

    /// <summary>The recorded operations, oldest first.</summary>
    public IReadOnlyList<Backward> Nodes => _nodes;

    /// <summary>Opens a tape on this thread; <c>using</c> closes it.</summary>
    /// <param name="record">False for inference: nothing is recorded, nothing is kept for a backward pass.</param>
    /// <param name="dropout">The source of dropout masks; null (default) turns dropout off.</param>
    /// <param name="backend">Where tensors lie; the default backend when null.</param>
    /// <param name="checkFinite">True looks at every recorded result and throws <see cref="NonFiniteException"/> at the first NaN or infinity: slow, to find a fault.</param>
    /// <param name="precision">How the operands of matrix products are rounded; when null, as the tape says inside which this one is opened, and otherwise not at all.</param>
    public static Tape Begin(
        bool record = true, DropoutSource? dropout = null, Backend? backend = null, bool checkFinite = false, MatMulPrecision? precision = null)
    {
        MatMulPrecision inherited = s_current?.Precision ?? MatMulPrecision.Fp32;
        return new(backend ?? Backend.Default, record, checkFinite) { Dropout = dropout, Precision = precision ?? inherited };
    }

    /// <summary>Opens a tape that records every operation and keeps nothing: see <see cref="IsTrace"/>.</summary>
    /// <param name="dropout">The source of dropout masks; null (default) turns dropout off.</param>
    /// <param name="backend">Where tensors lie; the default backend when null.</param>
    /// <param name="checkFinite">True throws <see cref="NonFiniteException"/> at the first result with a NaN or infinity.</param>
    /// <param name="precision">As for <see cref="Begin"/>.</param>
    public static Tape BeginTrace(DropoutSource? dropout = null, Backend? backend = null, bool checkFinite = false, MatMulPrecision? precision = null)
    {
        MatMulPrecision inherited = s_current?.Precision ?? MatMulPrecision.Fp32;
        return new(backend ?? Backend.Default, record: true, checkFinite) { IsTrace = true, Dropout = dropout, Precision = precision ?? inherited };
    }

    /// <summary>Counts what an operation costs in the forward pass; each calls it before it is recorded. Does nothing without an open tape.</summary>
    /// <param name="flops">Floating-point operations; a multiply-add counts as two, a copy as none.</param>
    public static void Spend(long flops)
    {
        if (s_current is { } tape)
        {
            tape.ForwardFlops += flops;
        }
    }

    /// <summary>True when a tape is recording and some of the inputs needs a gradient, so that a backward node must be recorded.</summary>
    public static bool Wants(params ReadOnlySpan<Tensor?> inputs)
    {
        if (s_current is not { IsRecording: true } tape)
        {
            return false;
        }

        foreach (Tensor? input in inputs)
        {
            if (input is not null && (input.NeedsGrad || tape.IsTrace))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Notes that <paramref name="node"/> computed <paramref name="output"/>; call it only where <see cref="Wants"/> was true.</summary>
    /// <returns><paramref name="output"/>.</returns>
    public static Tensor Record(Tensor output, Backward node) => Record(output, node, register: true);

    /// <summary>As above; an operation with several outputs registers its node with the first of them only.</summary>
    internal static Tensor Record(Tensor output, Backward node, bool register)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(node);
        Tape tape = s_current ?? throw new InvalidOperationException("No tape is open on this thread.");
        if (tape._checkFinite && tape.Backend.CountNonFinite(output) is > 0 and long bad)
        {
            throw new NonFiniteException(node.Name, bad, output.Count);
        }

        node.Output = output;
        output.NeedsGrad = true;
        output.Producer = node;
        if (register)
        {
            tape._nodes.Add(node);
        }

        if (tape.IsTrace)
        {
            (node.ForwardFlops, node.Checkpoint) = (tape.ForwardFlops - tape._recordedFlops, tape._checkpoint);
            tape._recordedFlops = tape.ForwardFlops;
            node.ReleaseAll();
        }

        return output;
    }

    /// <summary>Runs the chain rule from <paramref name="loss"/> back to every leaf that needs a gradient; gradients of leaves accumulate.</summary>
    /// <param name="loss">A tensor of one number computed on this tape.</param>
    /// <param name="scale">The derivative the chain starts with, 1 by default.</param>
    /// <param name="onComplete">
    /// Told of each leaf whose gradient is complete, as soon as it is, so that it can be used and given back; the leaf may be changed then. Null
    /// (default) tells nobody. Of leaves that only checkpointed parts read nothing is told: the next such part may read them again.
    /// </param>
    /// <exception cref="InvalidOperationException">Nothing that <paramref name="loss"/> depends on needs a gradient.</exception>
    public void Backward(Tensor loss, float scale = 1f, Action<Tensor>? onComplete = null)
    {
        ArgumentNullException.ThrowIfNull(loss);
        ShapeException.ThrowUnless(loss.Count == 1, $"the loss has shape {loss.Shape}; only a single number can be differentiated.");
        if (loss.Producer is null)
        {
            throw new InvalidOperationException("Tape: the loss depends on nothing that needs a gradient. Make some parameters trainable.");
        }

        loss.Keep();
        loss.Grad = RentGrad(loss.Shape);
        Backend.Fill(loss.Grad, scale);
        CloseScope();
        RunNodes(onComplete);
    }

    /// <summary>Gives all memory of this step back.</summary>
    public void Dispose()
    {
        if (!ReferenceEquals(s_current, this))
        {
            throw new InvalidOperationException("Tapes must be closed by the thread that opened them, innermost first.");
        }

        s_current = _outer;
        Spend(ForwardFlops); // what was computed inside a step belongs to it
        _nodes.ForEach(node => node.ReleaseAll()); // where no backward pass has run
        foreach (Storage storage in _rented)
        {
            storage.Free();
        }

        GiveList(_rented);
        GiveList(_scope);
    }

    /// <summary>Pooled memory that belongs to this step and is visible to the running code.</summary>
    internal Storage Rent(long bytes)
    {
        Storage storage = Backend.Rent(bytes);
        storage.InScope = true;
        _rented.Add(storage);
        _scope.Add(storage);
        return storage;
    }

    /// <summary>A gradient buffer with undefined content, held by the tensor it belongs to.</summary>
    internal Tensor RentGrad(Shape shape)
    {
        Storage storage = Backend.Rent(shape.Count * sizeof(float));
        storage.Holds = 1;
        _rented.Add(storage);
        return new Tensor(storage, shape);
    }

    /// <summary>Ends the visibility of what was made in the innermost block that is open.</summary>
    internal void Forget(Storage storage)
    {
        if (_scope.Remove(storage))
        {
            storage.LeaveScope();
        }
    }

    /// <summary>Runs <paramref name="body"/>, then frees what it made except its result and what backward nodes hold.</summary>
    internal Tensor RunBlock(Func<Tensor, Tensor> body, Tensor x)
    {
        List<Storage> outer = _scope;
        _scope = TakeList();
        Tensor y;
        List<Storage> inner;
        try
        {
            y = body(x);
        }
        finally
        {
            (inner, _scope) = (_scope, outer);
        }

        foreach (Storage storage in inner)
        {
            if (ReferenceEquals(storage, y.Storage))
            {
                _scope.Add(storage);
            }
            else
            {
                storage.LeaveScope();
            }
        }

        GiveList(inner);
        return y;
    }

    /// <summary>Runs <paramref name="body"/> without recording.</summary>
    internal Tensor WithoutRecording(Func<Tensor, Tensor> body, Tensor x)
    {
        bool recording = IsRecording;
        IsRecording = false;
        try
        {
            return RunBlock(body, x);
        }
        finally
        {
            IsRecording = recording;
        }
    }

    /// <summary>Computes <paramref name="body"/> again with recording and runs its backward pass from <paramref name="dy"/>; see <see cref="Ops.Checkpoint"/>.</summary>
    /// <returns>The gradient with respect to <paramref name="x"/>, or null where none was asked for.</returns>
    internal Tensor? Recompute(Func<Tensor, Tensor> body, Tensor x, Tensor dy)
    {
        (List<Backward> nodes, List<Storage> scope, bool recording) = (_nodes, _scope, IsRecording);
        (_nodes, _scope, IsRecording) = ([], [], true);
        try
        {
            var leaf = new Tensor(x.Storage, x.Shape, x.DType, x.Offset, x.RowStride) { NeedsGrad = x.NeedsGrad };
            leaf.Producer = new Boundary(leaf);
            Tensor y = body(leaf);
            if (y.Producer is null || ReferenceEquals(y, leaf))
            {
                return null;
            }

            Tensors.Backward.PassGrad(y, dy);
            CloseScope();
            RunNodes();
            return leaf.Grad;
        }
        finally
        {
            (_nodes, _scope, IsRecording) = (nodes, scope, recording);
        }
    }

    /// <summary>Runs <paramref name="body"/> in a trace, noting of what it records that a real step would compute it twice.</summary>
    internal Tensor TraceCheckpoint(Func<Tensor, Tensor> body, Tensor x)
    {
        int outer = _checkpoint;
        _checkpoint = outer > 0 ? outer : _nodes.Count + 1; // of nested ones the outermost
        Tensor y = RunBlock(body, x);
        _checkpoint = outer;
        return y;
    }

    private static List<Storage> TakeList() => s_emptyLists is { Count: > 0 } lists ? lists.Pop() : [];

    private static void GiveList(List<Storage> list)
    {
        list.Clear();
        (s_emptyLists ??= new Stack<List<Storage>>()).Push(list);
    }

    private void CloseScope()
    {
        foreach (Storage storage in _scope)
        {
            storage.LeaveScope();
        }

        _scope.Clear();
    }

    private void RunNodes(Action<Tensor>? onComplete = null)
    {
        Dictionary<int, List<Tensor>>? leaves = onComplete is null ? null : CompleteGradients.ByNode(_nodes);
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            Backward node = _nodes[i];
            if (node.IsReached)
            {
                BackwardFlops += node.NeededFlops();
                node.RunFromTape();
            }

            node.ReleaseAll();
            if (leaves is not null && leaves.TryGetValue(i, out List<Tensor>? complete))
            {
                complete.FindAll(leaf => leaf.Grad is not null).ForEach(onComplete!);
            }
        }

        _nodes.Clear();
    }

    /// <summary>Stands for "computed before": makes a recomputed block's input an inner tensor rather than a leaf with a lasting gradient.</summary>
    private sealed class Boundary(Tensor x) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
        }
    }
}

/// <summary>Where the dropout masks of one forward pass come from.</summary>
/// <param name="rng">A generator of the stream <see cref="RngStream.Dropout"/>.</param>
/// <param name="pass">A number that differs for each forward pass of a run, e.g. step · micro-batches + micro-batch.</param>
public sealed class DropoutSource(Rng rng, ulong pass)
{
    /// <summary>The generator.</summary>
    public Rng Rng { get; } = rng;

    /// <summary>The number of the pass.</summary>
    public ulong Pass { get; } = pass;

    /// <summary>True once an operation has drawn a mask.</summary>
    public bool IsUsed => Calls > 0;

    /// <summary>Dropout operations met so far in this pass; each takes its own range of positions.</summary>
    internal ulong Calls { get; set; }

    /// <summary>The first of 2⁴² positions that belong to the next dropout operation alone.</summary>
    internal ulong TakePositions() => Calls++ << 42;
}

/// <summary>An operation gave a NaN or an infinity, on a tape that was asked to look for them.</summary>
/// <param name="operation">The operation's name.</param>
/// <param name="count">How many of its results are not finite.</param>
/// <param name="total">How many results it has.</param>
public sealed class NonFiniteException(string operation, long count, long total)
    : ArithmeticException($"{operation}: {count} of {total} results are not finite numbers.")
{
    /// <summary>The operation's name.</summary>
    public string Operation { get; } = operation;
}
