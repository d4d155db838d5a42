namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>a · b, element by element.</summary>
    /// <param name="a">[..., C].</param>
    /// <param name="b">Shape of <paramref name="a"/>.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor Mul(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ShapeException.ThrowIfNot(b, a.Shape);
        DTypes.ThrowIfNotF32(a);
        DTypes.ThrowIfNotF32(b);
        Tensor y = Tensor.Create(a.Shape, a.Backend);
        a.Backend.Mul(a, b, y, add: false);
        Tape.Spend(a.Count);
        return Tape.Wants(a, b) ? Tape.Record(y, new MulBackward(a, b)) : y;
    }

    // da += dy·b, db += dy·a: each factor is kept only where the other one needs a gradient.
    private sealed class MulBackward : Backward
    {
        private readonly Tensor _a;
        private readonly Tensor _b;

        public MulBackward(Tensor a, Tensor b)
            : base(a, b)
        {
            _a = Needs(b) ? Hold(a) : a;
            _b = Needs(a) ? Hold(b) : b;
        }

        public override long FlopsFor(Tensor input) => 2 * _a.Count;

        protected override void Run(Tensor dy)
        {
            if (Needs(_a))
            {
                Tensor da = GradOf(_a, out bool add);
                dy.Backend.Mul(dy, _b, da, add);
            }

            if (Needs(_b))
            {
                Tensor db = GradOf(_b, out bool add);
                dy.Backend.Mul(dy, _a, db, add);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Mul"/> and of its derivatives: y (+)= a·b.</summary>
    public abstract void Mul(Tensor a, Tensor b, Tensor y, bool add);
}
