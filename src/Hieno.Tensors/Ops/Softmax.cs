namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The softmax of each row.</summary>
    /// <param name="x">Scores, [..., C]; −∞ gives probability 0, a row of nothing but −∞ gives NaN.</param>
    /// <returns>e^(x − m) / Σ e^(x − m) with m the largest number of the row, shape of <paramref name="x"/>.</returns>
    public static Tensor Softmax(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        DTypes.ThrowIfNotF32(x);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.SoftmaxForward(x, y);
        Tape.Spend(4 * x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new SoftmaxBackward(x, y)) : y;
    }

    // dx += y·(dy − Σ over the row of dy·y): the result is kept, not x.
    private sealed class SoftmaxBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _y;

        public SoftmaxBackward(Tensor x, Tensor y)
            : base(x) => (_x, _y) = (x, Hold(y));

        public override long FlopsFor(Tensor input) => 4 * _x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(_x, out bool add);
            dy.Backend.SoftmaxBackward(_y, dy, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Softmax"/>.</summary>
    public abstract void SoftmaxForward(Tensor x, Tensor y);

    /// <summary>Kernel of the derivative of <see cref="Ops.Softmax"/>: dx (+)= y·(dy − Σ dy·y).</summary>
    public abstract void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, bool add);
}
