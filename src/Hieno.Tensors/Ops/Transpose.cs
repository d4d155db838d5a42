namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Rows become columns: y[j, i] = x[i, j].</summary>
    /// <param name="x">A matrix, [R, C]; any storage type.</param>
    /// <returns>[C, R], 32-bit.</returns>
    /// <exception cref="ShapeException"><paramref name="x"/> is not a matrix.</exception>
    public static Tensor Transpose(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        ShapeException.ThrowUnless(x.Shape.Rank == 2, $"x has shape {x.Shape}, expected a matrix.");
        Tensor y = Tensor.Create([x.Shape[1], x.Shape[0]], x.Backend);
        x.Backend.Transpose(x, y, add: false);
        return Tape.Wants(x) ? Tape.Record(y, new TransposeBackward(x)) : y;
    }

    // dx += dyᵀ.
    private sealed class TransposeBackward(Tensor x) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.Transpose(dy, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>y (+)= xᵀ; y is 32-bit.</summary>
    public abstract void Transpose(Tensor x, Tensor y, bool add);
}
