namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Sets each number to zero with probability <paramref name="rate"/> and scales the others by 1 / (1 − rate), so that the mean stays.
    /// Does nothing outside training, that is, where the open tape has no <see cref="Tape.Dropout"/>.
    /// </summary>
    /// <param name="x">Any shape.</param>
    /// <param name="rate">Probability of a zero, 0 to 1.</param>
    /// <returns>Shape of <paramref name="x"/>; <paramref name="x"/> itself where nothing is dropped.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rate"/> is not within [0, 1].</exception>
    /// <remarks>
    /// Srivastava et al. 2014, JMLR 15. The mask is not kept: it is a function of seed, pass, call and position, and computed again for
    /// the backward pass.
    /// </remarks>
    public static Tensor Dropout(Tensor x, float rate)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!(rate >= 0f && rate <= 1f))
        {
            throw new ArgumentOutOfRangeException(nameof(rate), rate, "Dropout: the rate must be within [0, 1].");
        }

        DTypes.ThrowIfNotF32(x);
        if (rate == 0f || Tape.Current?.Dropout is not { } source)
        {
            return x;
        }

        var mask = new DropoutMask(source.Rng, source.Pass, source.TakePositions(), rate);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.Dropout(x, mask, y, add: false);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new DropoutBackward(x, mask)) : y;
    }

    // dx += mask·dy: the same kernel.
    private sealed class DropoutBackward(Tensor x, DropoutMask mask) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.Dropout(dy, mask, dx, add);
        }
    }
}

/// <summary>A mask of zeros and 1 / (1 − rate) that is known by where it comes from instead of being stored.</summary>
/// <param name="Rng">The generator.</param>
/// <param name="Pass">Its step.</param>
/// <param name="Position">The position that decides about the first number; a multiple of 4.</param>
/// <param name="Rate">Probability of a zero.</param>
public readonly record struct DropoutMask(Rng Rng, ulong Pass, ulong Position, float Rate)
{
    /// <summary>A number is dropped where its random word is below this.</summary>
    public ulong Threshold => (ulong)(Rate * 4294967296.0);

    /// <summary>The factor of a number that is kept.</summary>
    public float Scale => Rate < 1f ? 1f / (1f - Rate) : 0f;
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Dropout"/> and of its derivative: y (+)= mask·x, the mask counted row by row.</summary>
    public abstract void Dropout(Tensor x, in DropoutMask mask, Tensor y, bool add);
}
