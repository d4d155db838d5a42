namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Sets whole segments of rows to zero with probability <paramref name="rate"/> and scales the others by 1 / (1 − rate): the change that a
    /// block makes to some pictures or texts of a batch is left out (stochastic depth). Does nothing outside training.
    /// </summary>
    /// <param name="x">[..., C], N rows.</param>
    /// <param name="lengths">Rows of each segment; they add up to N.</param>
    /// <param name="rate">Probability of a zero, 0 to 1.</param>
    /// <returns>Shape of <paramref name="x"/>; <paramref name="x"/> itself where nothing is dropped.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rate"/> is not within [0, 1].</exception>
    /// <exception cref="ShapeException">The lengths do not add up to the rows.</exception>
    /// <remarks>Huang et al. 2016, <see href="https://arxiv.org/abs/1603.09382"/>, section 3; scaled in training instead of afterwards, as in current libraries.</remarks>
    public static Tensor DropRows(Tensor x, int[] lengths, float rate)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(lengths);
        if (!(rate >= 0f && rate <= 1f))
        {
            throw new ArgumentOutOfRangeException(nameof(rate), rate, "DropRows: the rate must be within [0, 1].");
        }

        ThrowUnlessSingle(x, nameof(DropRows));
        ShapeException.ThrowUnless(lengths.Sum() == x.Rows, $"segments of together {lengths.Sum()} rows do not cut x {x.Shape}.");
        if (rate == 0f || Tape.Current?.Dropout is not { } source)
        {
            return x;
        }

        var mask = new DropoutMask(source.Rng, source.Pass, source.TakePositions(), rate);
        float[] factors = new float[lengths.Length];
        for (int i = 0; i < factors.Length; i++)
        {
            factors[i] = mask.Rng.Bits(mask.Pass, mask.Position + (ulong)i) < mask.Threshold ? 0f : mask.Scale;
        }

        Tensor y = Tensor.Create(x.Shape, x.Backend);
        ScaleSegments(x, lengths, factors, y, add: false);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new DropRowsBackward(x, lengths, factors)) : y;
    }

    private static void ScaleSegments(Tensor x, int[] lengths, float[] factors, Tensor y, bool add)
    {
        int start = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            x.Backend.Scale(x.RowRange(start, lengths[i]), factors[i], y.RowRange(start, lengths[i]), add);
            start += lengths[i];
        }
    }

    // dx += factor·dy, segment by segment.
    private sealed class DropRowsBackward(Tensor x, int[] lengths, float[] factors) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            ScaleSegments(dy, lengths, factors, dx, add);
        }
    }
}
