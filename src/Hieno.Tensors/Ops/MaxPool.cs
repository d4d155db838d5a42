namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The largest number of each window, channel by channel. The gradient goes to the first of equal ones, row by row.</summary>
    /// <param name="x">Pictures with their channels last, [N, H, W, C].</param>
    /// <param name="vertical">Windows from top to bottom, over H pixels.</param>
    /// <param name="horizontal">Windows from left to right, over W pixels.</param>
    /// <returns>[N, windows down, windows across, C]. A NaN in a window is its result.</returns>
    /// <exception cref="ShapeException">x has another rank or size.</exception>
    public static Tensor MaxPool(Tensor x, PoolSide vertical, PoolSide horizontal)
    {
        Tensor y = PooledLike(x, vertical, horizontal, nameof(MaxPool));
        const int MostPixels = 1 << 24; // whole numbers that a single holds exactly
        ShapeException.ThrowUnless((long)vertical.Length * horizontal.Length <= MostPixels, $"pictures of {vertical.Length} × {horizontal.Length} pixels are larger than {MostPixels}.");
        Tensor chosen = Tensor.Create(y.Shape, x.Backend); // the pixel of its picture that each number came from
        x.Backend.MaxPoolForward(x, vertical, horizontal, y, chosen);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new MaxPoolBackward(x, vertical, horizontal, chosen)) : y;
    }

    private static Tensor PooledLike(Tensor x, PoolSide vertical, PoolSide horizontal, string op)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(vertical);
        ArgumentNullException.ThrowIfNull(horizontal);
        ShapeException.ThrowUnless(
            x.Shape.Rank == 4 && x.Shape[1] == vertical.Length && x.Shape[2] == horizontal.Length,
            $"x has shape {x.Shape}, expected [N, {vertical.Length}, {horizontal.Length}, C].",
            op);
        ThrowUnlessSingle(x, op);
        return Tensor.Create([x.Shape[0], vertical.Places, horizontal.Places, x.Shape[3]], x.Backend);
    }

    private sealed class MaxPoolBackward : Backward
    {
        private readonly Tensor _x;
        private readonly PoolSide _vertical;
        private readonly PoolSide _horizontal;
        private readonly Tensor _chosen;

        public MaxPoolBackward(Tensor x, PoolSide vertical, PoolSide horizontal, Tensor chosen)
            : base(x)
        {
            (_x, _vertical, _horizontal, _chosen) = (x, vertical, horizontal, Hold(chosen));
        }

        public override long FlopsFor(Tensor input) => Output.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(_x, out bool add);
            dy.Backend.MaxPoolBackward(dy, _chosen, _vertical, _horizontal, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.MaxPool"/>; also writes where each number came from.</summary>
    public abstract void MaxPoolForward(Tensor x, PoolSide vertical, PoolSide horizontal, Tensor y, Tensor chosen);

    /// <summary>Kernel of its derivative: dx (+)= dy where x was chosen.</summary>
    public abstract void MaxPoolBackward(Tensor dy, Tensor chosen, PoolSide vertical, PoolSide horizontal, Tensor dx, bool add);
}
