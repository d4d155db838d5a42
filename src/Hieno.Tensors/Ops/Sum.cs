namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The sum of all numbers: in single precision within blocks of some thousands, in double precision over the blocks.</summary>
    /// <param name="x">Any shape.</param>
    /// <returns>A scalar, shape [].</returns>
    public static Tensor Sum(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Total(x, 1);
    }

    /// <summary>The mean of all numbers, summed as <see cref="Sum"/> does.</summary>
    /// <param name="x">Any shape, at least one number.</param>
    /// <returns>A scalar, shape [].</returns>
    /// <exception cref="ShapeException"><paramref name="x"/> is empty.</exception>
    public static Tensor Mean(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        ShapeException.ThrowUnless(x.Count > 0, $"{x.Shape} holds no numbers to take the mean of.");
        return Total(x, 1.0 / x.Count);
    }

    private static Tensor Total(Tensor x, double scale)
    {
        DTypes.ThrowIfNotF32(x, nameof(Sum));
        Tensor y = Tensor.Create([], x.Backend);
        x.Backend.Sum(x, scale, y);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new SumBackward(x, (float)scale)) : y;
    }

    // Every number has the same derivative.
    private sealed class SumBackward(Tensor x, float scale) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.SumBackward(dy, scale, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Sum"/> and <see cref="Ops.Mean"/>: y = scale · Σ x.</summary>
    public abstract void Sum(Tensor x, double scale, Tensor y);

    /// <summary>Kernel of the derivative of <see cref="Sum"/>: every number of dx (+)= scale · dy, dy being a scalar.</summary>
    public abstract void SumBackward(Tensor dy, float scale, Tensor dx, bool add);
}
