namespace Hieno.Tensors;

/// <summary>Differentiable tensor operations; one file each.</summary>
public static partial class Ops
{
    /// <summary>
    /// Runs a part of a network, usually one layer, and then frees every tensor it made that neither its result nor a backward node needs.
    /// </summary>
    /// <param name="x">What the part reads.</param>
    /// <param name="body">The part.</param>
    /// <returns>What <paramref name="body"/> returned. Without an open tape nothing is freed: plain garbage collection applies.</returns>
    public static Tensor Block(Tensor x, Func<Tensor, Tensor> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Tape.Current is { } tape ? tape.RunBlock(body, x) : body(x);
    }

    /// <summary>
    /// Gradient checkpointing: like <see cref="Block"/>, but nothing inside is kept for the backward pass, which computes the part again.
    /// Costs one more forward pass of the part, saves all its activations. Dropout masks are the same both times.
    /// </summary>
    /// <param name="x">What the part reads; kept.</param>
    /// <param name="body">The part; it must be free of side effects, since it runs twice.</param>
    /// <param name="hasTrainable">True when the part holds trainable weights, so that it needs a backward pass even where <paramref name="x"/> does not.</param>
    /// <param name="alsoReads">
    /// Whatever else of this step the part reads, such as the result of an encoder; kept as well. Weights need not be named.
    /// </param>
    /// <remarks>Chen et al. 2016, <see href="https://arxiv.org/abs/1604.06174"/>, section 3.</remarks>
    public static Tensor Checkpoint(Tensor x, Func<Tensor, Tensor> body, bool hasTrainable, params ReadOnlySpan<Tensor> alsoReads)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(body);
        if (Tape.Current is { IsTrace: true } trace)
        {
            return trace.TraceCheckpoint(body, x);
        }

        if (Tape.Current is not { IsRecording: true } tape || !(hasTrainable || x.NeedsGrad || Tape.Wants(alsoReads)))
        {
            return Block(x, body);
        }

        ulong calls = tape.Dropout?.Calls ?? 0;
        Tensor y = tape.WithoutRecording(body, x);
        if (ReferenceEquals(y, x))
        {
            return y;
        }

        return Tape.Record(y, new CheckpointBackward([x, .. alsoReads], body, tape, calls));
    }

    private sealed class CheckpointBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Func<Tensor, Tensor> _body;
        private readonly Tape _tape;
        private readonly ulong _dropoutCalls;

        public CheckpointBackward(Tensor[] reads, Func<Tensor, Tensor> body, Tape tape, ulong dropoutCalls)
            : base(reads)
        {
            (_x, _body, _tape, _dropoutCalls) = (reads[0], body, tape, dropoutCalls);
            foreach (Tensor tensor in reads)
            {
                Hold(tensor);
            }
        }

        internal override bool ReadsUnseen => true;

        // What the part costs is known only to the nodes that the recomputation records.
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            ulong calls = 0;
            if (_tape.Dropout is { } dropout)
            {
                (calls, dropout.Calls) = (dropout.Calls, _dropoutCalls);
            }

            Tensor? dx = _tape.Recompute(_body, _x, dy);
            if (_tape.Dropout is { } after)
            {
                after.Calls = calls;
            }

            if (dx is not null && Needs(_x))
            {
                PassGrad(_x, dx);
                dx.Storage.Release();
            }
        }
    }
}
