namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>x · factor.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="factor">A constant.</param>
    public static Tensor Scale(Tensor x, float factor)
    {
        ArgumentNullException.ThrowIfNull(x);
        DTypes.ThrowIfNotF32(x);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.Scale(x, factor, y, add: false);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new ScaleBackward(x, factor)) : y;
    }

    private sealed class ScaleBackward(Tensor x, float factor) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.Scale(dy, factor, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Scale"/> and of its derivative: y (+)= factor·x; y may be x itself.</summary>
    public abstract void Scale(Tensor x, float factor, Tensor y, bool add);
}
