namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>act(gate) · up, the inner part of a gated feed-forward layer: SwiGLU with SiLU, GeGLU with GELU.</summary>
    /// <param name="gate">[..., H].</param>
    /// <param name="up">Shape of <paramref name="gate"/>.</param>
    /// <param name="kind">The function applied to <paramref name="gate"/>.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <remarks>Shazeer 2020, <see href="https://arxiv.org/abs/2002.05202"/>, equation 5.</remarks>
    public static Tensor GatedActivate(Tensor gate, Tensor up, Activation kind)
    {
        ArgumentNullException.ThrowIfNull(gate);
        ShapeException.ThrowIfNot(up, gate.Shape);
        DTypes.ThrowIfNotF32(gate);
        DTypes.ThrowIfNotF32(up);
        Tensor y = Tensor.Create(gate.Shape, gate.Backend);
        gate.Backend.GatedActivateForward(gate, up, kind, y);
        Tape.Spend(21 * gate.Count);
        return Tape.Wants(gate, up) ? Tape.Record(y, new GatedActivateBackward(gate, up, kind)) : y;
    }

    // dgate += dy·up·act′(gate), dup += dy·act(gate), both in one pass; act(gate) is computed again rather than kept.
    private sealed class GatedActivateBackward : Backward
    {
        private readonly Tensor _gate;
        private readonly Tensor _up;
        private readonly Activation _kind;

        public GatedActivateBackward(Tensor gate, Tensor up, Activation kind)
            : base(gate, up) => (_gate, _up, _kind) = (Hold(gate), Needs(gate) ? Hold(up) : up, kind);

        public override long FlopsFor(Tensor input) => 20 * _gate.Count;

        protected internal override bool CanRestore => Needs(_gate); // otherwise up is not kept

        protected internal override void Restore() => _gate.Backend.GatedActivateForward(_gate, _up, _kind, Output);

        protected override void Run(Tensor dy)
        {
            (bool addToGate, bool addToUp) = (false, false);
            Tensor? dgate = Needs(_gate) ? GradOf(_gate, out addToGate) : null;
            Tensor? dup = Needs(_up) ? GradOf(_up, out addToUp) : null;
            dy.Backend.GatedActivateBackward(_gate, _up, _kind, dy, dgate, addToGate, dup, addToUp);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.GatedActivate"/>.</summary>
    public abstract void GatedActivateForward(Tensor gate, Tensor up, Activation kind, Tensor y);

    /// <summary>
    /// Kernel of the derivative of <see cref="Ops.GatedActivate"/>; null destinations are not computed, flags say add or overwrite.
    /// Where gate and up are the same tensor, so are both destinations: dgate is written before dup is added.
    /// </summary>
    public abstract void GatedActivateBackward(
        Tensor gate, Tensor up, Activation kind, Tensor dy, Tensor? dgate, bool addToGate, Tensor? dup, bool addToUp);
}
