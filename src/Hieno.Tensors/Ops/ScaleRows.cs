namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Multiplies each row by a factor of its own: y[i, j] = x[i, j] · f[i].</summary>
    /// <param name="x">[..., C], seen as N rows.</param>
    /// <param name="factors">f, N numbers of any shape.</param>
    /// <returns>Shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException">There is not one factor for each row.</exception>
    public static Tensor ScaleRows(Tensor x, Tensor factors)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(factors);
        DTypes.ThrowIfNotF32(x);
        DTypes.ThrowIfNotF32(factors);
        ShapeException.ThrowUnless(factors.Count == x.Rows && factors.IsContiguous, $"there are {factors.Count} factors in {factors.Shape} for the {x.Rows} rows of {x.Shape}. Give one for each, without gaps.");
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.ScaleRows(x, factors, y, add: false);
        Tape.Spend(x.Count);
        return Tape.Wants(x, factors) ? Tape.Record(y, new ScaleRowsBackward(x, factors)) : y;
    }

    // dx += dy·f in each row, df += Σ over the row of dy·x.
    private sealed class ScaleRowsBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _factors;

        public ScaleRowsBackward(Tensor x, Tensor factors)
            : base(x, factors)
        {
            _x = Needs(factors) ? Hold(x) : x;
            _factors = Needs(x) ? Hold(factors) : factors;
        }

        public override long FlopsFor(Tensor input) => (input == _factors ? 2L : 1L) * _x.Count;

        protected override void Run(Tensor dy)
        {
            if (Needs(_x))
            {
                Tensor dx = GradOf(_x, out bool add);
                dy.Backend.ScaleRows(dy, _factors, dx, add);
            }

            if (Needs(_factors))
            {
                Tensor df = GradOf(_factors, out bool add);
                dy.Backend.RowProducts(dy, _x, df, add);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.ScaleRows"/>: y (+)= x · factors, a factor for each row.</summary>
    public abstract void ScaleRows(Tensor x, Tensor factors, Tensor y, bool add);

    /// <summary>Kernel of its other derivative: sums[i] (+)= a[i]·b[i], added up over the columns of row i.</summary>
    public abstract void RowProducts(Tensor a, Tensor b, Tensor sums, bool add);
}
