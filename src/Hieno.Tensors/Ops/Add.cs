namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>a + b, element by element.</summary>
    /// <param name="a">[..., C].</param>
    /// <param name="b">Shape of <paramref name="a"/>.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor Add(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ShapeException.ThrowIfNot(b, a.Shape);
        Tensor y = Tensor.Create(a.Shape, a.Backend);
        a.Backend.Add(a, b, y);
        Tape.Spend(a.Count);
        return Tape.Wants(a, b) ? Tape.Record(y, new AddBackward(a, b)) : y;
    }

    // Both derivatives are 1: the gradient is passed on, not copied.
    private sealed class AddBackward(Tensor a, Tensor b) : Backward(a, b)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            if (Needs(a))
            {
                PassGrad(a, dy);
            }

            if (Needs(b))
            {
                PassGrad(b, dy);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Add"/>.</summary>
    public abstract void Add(Tensor a, Tensor b, Tensor y);
}
