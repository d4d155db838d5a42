namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>eˣ of each number: for factors that are learned by their logarithm.</summary>
    /// <param name="x">Any shape.</param>
    /// <returns>Shape of <paramref name="x"/>.</returns>
    public static Tensor Exp(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        DTypes.ThrowIfNotF32(x);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.Exp(x, y);
        Tape.Spend(10 * x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new ExpBackward(x, y)) : y;
    }

    // dx += y·dy: the result is kept, not x.
    private sealed class ExpBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _y;

        public ExpBackward(Tensor x, Tensor y)
            : base(x) => (_x, _y) = (x, Hold(y));

        public override long FlopsFor(Tensor input) => _x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(_x, out bool add);
            dy.Backend.Mul(dy, _y, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Exp"/>.</summary>
    public abstract void Exp(Tensor x, Tensor y);
}
