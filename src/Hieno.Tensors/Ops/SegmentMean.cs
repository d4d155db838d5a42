namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The mean of the rows of each segment: mean pooling over the tokens of each text of a packed batch.</summary>
    /// <param name="x">Rows, [..., C], N of them.</param>
    /// <param name="starts">
    /// The first row of each segment and, last, the row after the end of the last one: S + 1 numbers for S segments, each larger than the
    /// one before. Rows before the first and after the last are left out.
    /// </param>
    /// <returns>[S, C].</returns>
    /// <exception cref="ShapeException"><paramref name="starts"/> does not rise, or points outside the N rows.</exception>
    public static Tensor SegmentMean(Tensor x, int[] starts)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(starts);
        DTypes.ThrowIfNotF32(x);
        ShapeException.ThrowUnless(starts.Length > 0 && starts[0] >= 0, "starts must begin with a row number and end with the row after the last segment.");
        for (int s = 1; s < starts.Length; s++)
        {
            ShapeException.ThrowUnless(
                starts[s - 1] < starts[s] && starts[s] <= x.Rows,
                $"segment {s - 1} covers the rows {starts[s - 1]}..{starts[s]}; segments must not be empty and must lie within the {x.Rows} rows of {x.Shape}.");
        }

        Tensor y = Tensor.Create([starts.Length - 1, x.Columns], x.Backend);
        x.Backend.SegmentMeanForward(x, starts, y);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new SegmentMeanBackward(x, starts)) : y;
    }

    // Each row of a segment of n rows receives dy / n; rows of no segment receive nothing.
    private sealed class SegmentMeanBackward(Tensor x, int[] starts) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            if (!add && starts[^1] - starts[0] < x.Rows)
            {
                dx.Backend.Fill(dx, 0f);
                add = true;
            }

            dy.Backend.SegmentMeanBackward(dy, starts, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.SegmentMean"/>.</summary>
    public abstract void SegmentMeanForward(Tensor x, int[] starts, Tensor y);

    /// <summary>Kernel of the derivative of <see cref="Ops.SegmentMean"/>; rows of no segment are not touched.</summary>
    public abstract void SegmentMeanBackward(Tensor dy, int[] starts, Tensor dx, bool add);
}
