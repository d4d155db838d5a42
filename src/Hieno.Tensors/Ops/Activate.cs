namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Applies an activation function to each number.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="kind">The function.</param>
    /// <returns>act(x), shape of <paramref name="x"/>; <paramref name="x"/> itself for <see cref="Activation.Identity"/>.</returns>
    public static Tensor Activate(Tensor x, Activation kind)
    {
        ArgumentNullException.ThrowIfNull(x);
        DTypes.ThrowIfNotF32(x);
        if (kind == Activation.Identity)
        {
            return x;
        }

        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.ActivateForward(x, kind, y);
        Tape.Spend(20 * x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new ActivateBackward(x, kind)) : y;
    }

    // dx += act′(x)·dy. Only x is kept: the slope of every function here is cheap to compute from it.
    private sealed class ActivateBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Activation _kind;

        public ActivateBackward(Tensor x, Activation kind)
            : base(x) => (_x, _kind) = (Hold(x), kind);

        public override long FlopsFor(Tensor input) => 20 * _x.Count;

        protected internal override bool CanRestore => true;

        protected internal override void Restore() => _x.Backend.ActivateForward(_x, _kind, Output);

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(_x, out bool add);
            dy.Backend.ActivateBackward(_x, _kind, dy, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Activate"/>.</summary>
    public abstract void ActivateForward(Tensor x, Activation kind, Tensor y);

    /// <summary>Kernel of the derivative of <see cref="Ops.Activate"/>: dx (+)= act′(x)·dy.</summary>
    public abstract void ActivateBackward(Tensor x, Activation kind, Tensor dy, Tensor dx, bool add);
}
