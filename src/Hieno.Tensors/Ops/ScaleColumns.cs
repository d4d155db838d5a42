namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Multiplies each row by the same factors: y[i, j] = x[i, j] · f[j].</summary>
    /// <param name="x">[..., C].</param>
    /// <param name="factors">f, [C].</param>
    /// <returns>Shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException"><paramref name="factors"/> is not [C].</exception>
    public static Tensor ScaleColumns(Tensor x, Tensor factors)
    {
        ArgumentNullException.ThrowIfNull(x);
        ShapeException.ThrowIfNot(factors, [x.Columns]);
        DTypes.ThrowIfNotF32(x);
        DTypes.ThrowIfNotF32(factors);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.ScaleColumns(x, factors, y, add: false);
        Tape.Spend(x.Count);
        return Tape.Wants(x, factors) ? Tape.Record(y, new ScaleColumnsBackward(x, factors)) : y;
    }

    // dx += dy·f in each row, df += Σ over rows of dy·x.
    private sealed class ScaleColumnsBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _factors;

        public ScaleColumnsBackward(Tensor x, Tensor factors)
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
                dy.Backend.ScaleColumns(dy, _factors, dx, add);
            }

            if (Needs(_factors))
            {
                Tensor df = GradOf(_factors, out bool add);
                dy.Backend.SumProducts(dy, _x, df, add);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.ScaleColumns"/>: y (+)= x · factors in each row.</summary>
    public abstract void ScaleColumns(Tensor x, Tensor factors, Tensor y, bool add);

    /// <summary>Kernel of its other derivative: sum (+)= a · b, added up over the rows, column by column.</summary>
    public abstract void SumProducts(Tensor a, Tensor b, Tensor sum, bool add);
}
