using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Projects each row: y = x · Wᵀ + b.</summary>
    /// <param name="x">[..., In]; rows may lie apart.</param>
    /// <param name="weight">
    /// W, [Out, In]; or [In, Out] if <paramref name="transposed"/>. A weight of 16 or 4 bits is expanded while it is multiplied and cannot be trained.
    /// </param>
    /// <param name="bias">b, [Out], or null for none.</param>
    /// <param name="transposed">True where a checkpoint stores the weight as [In, Out] (GPT-2's Conv1D): y = x · W + b.</param>
    /// <returns>[..., Out].</returns>
    /// <exception cref="ShapeException"><paramref name="weight"/> is not a matrix of In columns, or <paramref name="bias"/> is not [Out].</exception>
    /// <exception cref="ArgumentException">A 16-bit tensor where 32 bits are needed: <paramref name="x"/>, the bias, a weight that needs a gradient.</exception>
    /// <remarks>
    /// Multiplied in the precision of the open tape, forward and backward. A weight with a side shorter than 32, such as that of a
    /// classification head or a low-rank update, is always multiplied in 32 bits: rounding would cost more time than it saves.
    /// </remarks>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null, bool transposed = false)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        int features = CheckLinear(x, weight, bias, transposed);
        Tensor y = Tensor.Create(x.Shape.WithLast(features), x.Backend);
        x.Backend.MatMul(x, false, weight, !transposed, bias, y, add: false, PrecisionFor(weight));
        Tape.Spend((2L * x.Rows * weight.Count) + (bias is null ? 0 : y.Count));
        return Tape.Wants(x, weight, bias) ? Tape.Record(y, new LinearBackward(x, weight, bias, transposed)) : y;
    }

    /// <summary>Checks the operands of a projection.</summary>
    /// <returns>Out: the number of features it gives.</returns>
    private static int CheckLinear(Tensor x, Tensor weight, Tensor? bias, bool transposed, [CallerMemberName] string op = "")
    {
        ShapeException.ThrowUnless(x.Columns > 0 && x.Shape.Rank > 0, $"x has shape {x.Shape}, expected [..., In] with In at least 1.", op);
        ShapeException.ThrowUnless(
            weight.Shape.Rank == 2 && weight.Shape[transposed ? 0 : 1] == x.Columns,
            $"weight has shape {weight.Shape}, expected {(transposed ? $"[{x.Columns}, Out]" : $"[Out, {x.Columns}]")} for x {x.Shape}.",
            op);
        int features = weight.Shape[transposed ? 1 : 0];
        DTypes.ThrowIfCodes(weight, op);
        if (bias is not null)
        {
            ShapeException.ThrowIfNot(bias, [features], op);
            ThrowUnlessSingle(bias, op);
        }

        ThrowUnlessSingle(x, op);
        ThrowIfTrainedBelow32Bits(weight, op);
        return features;
    }

    /// <summary>How products with <paramref name="weight"/> are rounded: as the open tape says, unless the weight is too narrow to gain by it.</summary>
    private static MatMulPrecision PrecisionFor(Tensor weight)
    {
        const int Narrow = 32;
        return Math.Min(weight.Rows, weight.Columns) < Narrow ? MatMulPrecision.Fp32 : Tape.Current?.Precision ?? MatMulPrecision.Fp32;
    }

    private static void ThrowIfTrainedBelow32Bits(Tensor weight, string op)
    {
        if (weight.NeedsGrad && weight.DType != DType.F32)
        {
            throw new ArgumentException($"{op}: the weight {weight} is stored in fewer than 32 bits and cannot be trained. Freeze it, or convert it to F32.", nameof(weight));
        }
    }

    private static void ThrowUnlessSingle(
        Tensor tensor, string op, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.DType != DType.F32)
        {
            throw new ArgumentException($"{op}: {name} is {tensor}, but only F32 can be read here. Convert it first.", name);
        }
    }

    // With x [M, In], dy [M, Out] and W [Out, In]:
    //   dx += dy · W        dW += dyᵀ · x        db += Σ over rows of dy
    // and with W stored as [In, Out]:
    //   dx += dy · Wᵀ       dW += xᵀ · dy
    private sealed class LinearBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _weight;
        private readonly Tensor? _bias;
        private readonly bool _transposed;
        private readonly MatMulPrecision _precision;

        public LinearBackward(Tensor x, Tensor weight, Tensor? bias, bool transposed)
            : base(x, weight, bias)
        {
            // Only the weight's gradient reads x: below a frozen weight the activations need not be kept.
            _x = Needs(weight) ? Hold(x) : x;
            (_bias, _transposed, _precision) = (bias, transposed, PrecisionFor(weight));

            // A weight that was computed in this step, as some methods of tuning do, would otherwise be gone by then.
            _weight = Needs(x) && weight.Storage.InScope ? Hold(weight) : weight;
        }

        public override long FlopsFor(Tensor input) => input == _bias ? (long)_x.Rows * _bias.Columns : 2L * _x.Rows * _weight.Count;

        protected override void Run(Tensor dy)
        {
            if (Needs(_x))
            {
                Tensor dx = GradOf(_x, out bool add);
                dy.Backend.MatMul(dy, false, _weight, _transposed, null, dx, add, _precision);
            }

            if (Needs(_weight))
            {
                Tensor dweight = GradOf(_weight, out bool add);
                (Tensor left, Tensor right) = _transposed ? (_x, dy) : (dy, _x);
                dy.Backend.MatMul(left, true, right, false, null, dweight, add, _precision);
            }

            if (_bias is not null && Needs(_bias))
            {
                Tensor dbias = GradOf(_bias, out bool add);
                dy.Backend.SumRows(dy, dbias, add);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>
    /// c (+)= op(a) · op(b) (+ bias in each row), where op transposes the rows of a tensor if asked to. <paramref name="a"/> and
    /// <paramref name="b"/> may be of any storage type, <paramref name="c"/> is 32-bit and overlaps neither. The operands are rounded as
    /// <paramref name="precision"/> says.
    /// </summary>
    public abstract void MatMul(Tensor a, bool transposeA, Tensor b, bool transposeB, Tensor? bias, Tensor c, bool add, MatMulPrecision precision = MatMulPrecision.Fp32);

    /// <summary>sum (+)= the rows of <paramref name="x"/>, added up column by column.</summary>
    public abstract void SumRows(Tensor x, Tensor sum, bool add);
}
