namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Cuts numbers off at ± a limit.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="limit">The limit, above 0.</param>
    /// <returns>min(max(x, −limit), limit), shape of <paramref name="x"/>; numbers at the limit or beyond pass no gradient.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not above 0.</exception>
    public static Tensor Clamp(Tensor x, float limit)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        DTypes.ThrowIfNotF32(x);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.ClampForward(x, limit, y);
        Tape.Spend(2 * x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new ClampBackward(x, y, limit)) : y;
    }

    // dx += dy where |y| is below the limit: the result is kept, not x.
    private sealed class ClampBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _y;
        private readonly float _limit;

        public ClampBackward(Tensor x, Tensor y, float limit)
            : base(x) => (_x, _y, _limit) = (x, Hold(y), limit);

        public override long FlopsFor(Tensor input) => _x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(_x, out bool add);
            dy.Backend.ClampBackward(_y, _limit, dy, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Clamp"/>.</summary>
    public abstract void ClampForward(Tensor x, float limit, Tensor y);

    /// <summary>Kernel of the derivative of <see cref="Ops.Clamp"/>: dx (+)= dy where |y| &lt; limit.</summary>
    public abstract void ClampBackward(Tensor y, float limit, Tensor dy, Tensor dx, bool add);
}
