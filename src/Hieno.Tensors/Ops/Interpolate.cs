namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Makes pictures of another size, channel by channel: first across, then down.</summary>
    /// <param name="x">Pictures with their channels last, [N, H, W, C].</param>
    /// <param name="vertical">What each row of the result reads of H rows.</param>
    /// <param name="horizontal">What each column of the result reads of W columns.</param>
    /// <returns>[N, places down, places across, C].</returns>
    /// <exception cref="ShapeException">x has another rank or size.</exception>
    public static Tensor Interpolate(Tensor x, ResampleSide vertical, ResampleSide horizontal)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(vertical);
        ArgumentNullException.ThrowIfNull(horizontal);
        ShapeException.ThrowUnless(
            x.Shape.Rank == 4 && x.Shape[1] == vertical.Length && x.Shape[2] == horizontal.Length,
            $"x has shape {x.Shape}, expected [N, {vertical.Length}, {horizontal.Length}, C].");
        ThrowUnlessSingle(x, nameof(Interpolate));
        Tensor across = Resample(x, x.Shape[0] * x.Shape[1], inner: 1, horizontal, [x.Shape[0], x.Shape[1], horizontal.Places, x.Shape[3]]);
        return Resample(across, x.Shape[0], inner: horizontal.Places, vertical, [x.Shape[0], vertical.Places, horizontal.Places, x.Shape[3]]);
    }

    private static Tensor Resample(Tensor x, int outer, int inner, ResampleSide side, Shape shape)
    {
        Tensor y = Tensor.Create(shape, x.Backend);
        x.Backend.Resample(x, outer, inner, side, y, add: false);
        Tape.Spend(2L * outer * inner * x.Columns * Taps(side));
        return Tape.Wants(x) ? Tape.Record(y, new ResampleBackward(x, outer, inner, side)) : y;
    }

    private static long Taps(ResampleSide side)
    {
        long sum = 0;
        foreach (int count in side.Count)
        {
            sum += count;
        }

        return sum;
    }

    // dx += what the places that read a pixel hand back: the same sums, over the transposed weights.
    private sealed class ResampleBackward(Tensor x, int outer, int inner, ResampleSide side) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 2L * outer * inner * x.Columns * Taps(side);

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.Resample(dy, outer, inner, side.Transposed, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>
    /// Kernel of <see cref="Ops.Interpolate"/>, along one side: y[o, p, q] (+)= Σ w[p, k] · x[o, k, q], where x and y are seen as rows of channels that
    /// are counted by <paramref name="outer"/>, the pixels of the side, and <paramref name="inner"/>.
    /// </summary>
    public abstract void Resample(Tensor x, int outer, int inner, ResampleSide side, Tensor y, bool add);
}
