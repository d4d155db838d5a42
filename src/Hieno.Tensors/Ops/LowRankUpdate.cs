namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Adds a low-rank projection to rows that are there already: y + s · B(A · dropout(x)).</summary>
    /// <param name="y">[..., Out], e.g. the output of a frozen layer. Its memory becomes the result's where it can: do not read it afterwards.</param>
    /// <param name="x">[..., In]: as many rows as <paramref name="y"/>.</param>
    /// <param name="a">A, [R, In].</param>
    /// <param name="b">B, [Out, R].</param>
    /// <param name="scale">s, 1 by default.</param>
    /// <param name="dropout">Probability of a zero in what A reads, 0 by default; see <see cref="Dropout"/>.</param>
    /// <returns>[..., Out].</returns>
    /// <exception cref="ShapeException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentException">A 16-bit tensor where 32 bits are needed: y, x, or an A or B that is trained.</exception>
    /// <remarks>
    /// Hu et al. 2021, <see href="https://arxiv.org/abs/2106.09685"/>, section 4.1. The products add to y and to the gradients in place:
    /// of what is computed on the way, only the [..., R] between A and B is ever stored.
    /// </remarks>
    public static Tensor LowRankUpdate(Tensor y, Tensor x, Tensor a, Tensor b, float scale = 1f, float dropout = 0f)
    {
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        CheckLinear(x, a, null, transposed: false);
        ShapeException.ThrowUnless(
            b.Shape.Rank == 2 && b.Shape[1] == a.Shape[0] && y.Shape == x.Shape.WithLast(b.Shape[0]),
            $"y has shape {y.Shape}, x {x.Shape}, A {a.Shape}, B {b.Shape}; expected y [..., Out], x [..., In], A [R, In], B [Out, R].");
        ThrowUnlessSingle(y, nameof(LowRankUpdate));
        ThrowIfTrainedBelow32Bits(b, nameof(LowRankUpdate));

        MatMulPrecision precision = PrecisionFor(a);
        Tensor read = Dropout(x, dropout);
        Tensor low = Tensor.Create(x.Shape.WithLast(a.Shape[0]), x.Backend);
        x.Backend.MatMul(read, false, a, true, null, low, add: false, precision);
        x.Backend.Scale(low, scale, low, add: false);
        Tensor sum = CanBeOverwritten(y) ? y.View(y.Shape) : CopyOf(y);
        x.Backend.MatMul(low, false, b, true, null, sum, add: true, precision);
        Tape.Spend(2L * x.Rows * (a.Count + b.Count));
        return Tape.Wants(y, read, a, b) ? Tape.Record(sum, new LowRankUpdateBackward(y, read, a, b, low, scale, precision)) : sum;
    }

    // Memory of this step that no backward node is going to read.
    private static bool CanBeOverwritten(Tensor y) => y.IsContiguous && !y.IsSplit && y.Storage is { InScope: true, Holds: 0, Readers: 0, Kept: false };

    private static Tensor CopyOf(Tensor y)
    {
        Tensor copy = Tensor.Create(y.Shape, y.Backend);
        y.Backend.Copy(y, copy);
        return copy;
    }

    // With h = s·x·Aᵀ [N, R] and dy [N, Out]:
    //   dB += dyᵀ·h        dh = s·dy·B        dA += dhᵀ·x        dx += dh·A        and y's own gradient is dy
    private sealed class LowRankUpdateBackward : Backward
    {
        private readonly Tensor _y;
        private readonly Tensor _x;
        private readonly Tensor _a;
        private readonly Tensor _b;
        private readonly Tensor _low;
        private readonly float _scale;
        private readonly MatMulPrecision _precision;

        public LowRankUpdateBackward(Tensor y, Tensor x, Tensor a, Tensor b, Tensor low, float scale, MatMulPrecision precision)
            : base(y, x, a, b)
        {
            _x = Needs(a) ? Hold(x) : x;
            _low = Needs(b) ? Hold(low) : low;
            (_y, _a, _b, _scale, _precision) = (y, a, b, scale, precision);
        }

        public override long FlopsFor(Tensor input)
        {
            if (input == _y)
            {
                return 0;
            }

            long product = 2L * _x.Rows * (input == _b ? _b.Count : _a.Count);

            // dh serves A and x: it is counted once, with A where A learns.
            bool paysForLow = input == _a || (input == _x && !Needs(_a));
            return product + (paysForLow ? 2L * _x.Rows * _b.Count : 0);
        }

        protected override void Run(Tensor dy)
        {
            Backend backend = dy.Backend;
            if (Needs(_b))
            {
                Tensor db = GradOf(_b, out bool add);
                backend.MatMul(dy, true, _low, false, null, db, add, _precision);
            }

            if (Needs(_a) || Needs(_x))
            {
                Tensor dlow = Tape.Current!.RentGrad(_low.Shape);
                backend.MatMul(dy, false, _b, false, null, dlow, add: false, _precision);
                backend.Scale(dlow, _scale, dlow, add: false);
                if (Needs(_a))
                {
                    Tensor da = GradOf(_a, out bool add);
                    backend.MatMul(dlow, true, _x, false, null, da, add, _precision);
                }

                if (Needs(_x))
                {
                    Tensor dx = GradOf(_x, out bool add);
                    backend.MatMul(dlow, false, _a, false, null, dx, add, _precision);
                }

                dlow.Storage.Release();
            }

            if (Needs(_y))
            {
                PassGrad(_y, dy);
            }
        }
    }
}
