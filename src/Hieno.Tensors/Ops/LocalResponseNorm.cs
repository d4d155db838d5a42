namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Divides each number by a power of the mean square of the channels around it: y = x / (k + α · Σ x′² / size)^β.</summary>
    /// <param name="x">[..., C].</param>
    /// <param name="size">Channels of a window: from c − ⌊size / 2⌋ on; those outside count as zeros.</param>
    /// <param name="alpha">α. Default 1e-4.</param>
    /// <param name="beta">β. Default 0.75.</param>
    /// <param name="k">k. Default 1.</param>
    /// <returns>Shape of <paramref name="x"/>.</returns>
    /// <remarks>
    /// Krizhevsky et al. 2012, section 3.3; with α divided by the size, as in PyTorch.
    /// </remarks>
    public static Tensor LocalResponseNorm(Tensor x, int size, float alpha = 1e-4f, float beta = 0.75f, float k = 1f)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ThrowUnlessSingle(x, nameof(LocalResponseNorm));
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        Tensor sums = Tensor.Create(x.Shape, x.Backend); // k + α · Σ x′² / size
        x.Backend.LocalResponseNormForward(x, size, alpha / size, beta, k, y, sums);
        Tape.Spend(20 * x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new LocalResponseNormBackward(x, size, alpha / size, beta, sums)) : y;
    }

    // dx += dy·s^−β − 2αβ/size · x · Σ over windows that hold the channel of dy′·x′·s′^(−β−1)
    private sealed class LocalResponseNormBackward : Backward
    {
        private readonly Tensor _x;
        private readonly int _size;
        private readonly float _alpha;
        private readonly float _beta;
        private readonly Tensor _sums;

        public LocalResponseNormBackward(Tensor x, int size, float alpha, float beta, Tensor sums)
            : base(x)
        {
            (_x, _size, _alpha, _beta, _sums) = (Hold(x), size, alpha, beta, Hold(sums));
        }

        public override long FlopsFor(Tensor input) => 40 * _x.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(_x, out bool add);
            dy.Backend.LocalResponseNormBackward(_x, _sums, dy, _size, _alpha, _beta, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.LocalResponseNorm"/>, with α already divided by the size; also writes the sums that are raised to a power.</summary>
    public abstract void LocalResponseNormForward(Tensor x, int size, float alpha, float beta, float k, Tensor y, Tensor sums);

    /// <summary>Kernel of its derivative.</summary>
    public abstract void LocalResponseNormBackward(Tensor x, Tensor sums, Tensor dy, int size, float alpha, float beta, Tensor dx, bool add);
}
