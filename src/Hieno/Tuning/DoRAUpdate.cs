using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// A trainable pair A, B and a trainable length for each output: W' = m ∘ V / ‖V‖, with V = W + s·B·A and ‖V‖ the lengths of its rows
/// ([out, in]), which count as constants in the backward pass.
/// </summary>
/// <remarks>
/// Liu et al. 2024, <see href="https://arxiv.org/abs/2402.09353"/>, equations 5 and 6 and section 4.3. W' is never formed: with c = m / ‖V‖ the layer gives
/// y' = c ∘ (xWᵀ + s·xAᵀBᵀ) + b, and ‖V‖² = ‖W‖² + 2s·⟨WAᵀ, B⟩ + s²·⟨B·AAᵀ, B⟩, row by row, costs r products of the weight's size.
/// </remarks>
public sealed class DoRAUpdate : LinearUpdate
{
    private readonly float _scale;
    private readonly float _dropout;
    private (Tensor? Weight, double[] Squares) _plain = (null, []);

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="a">A, [r, in], long-lived.</param>
    /// <param name="b">B, [out, r], long-lived.</param>
    /// <param name="magnitude">m, [out], long-lived; the lengths of the rows of W + s·B·A when null.</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">Probability of dropping an input of the pair and of the rescaled product.</param>
    public DoRAUpdate(Linear layer, string adapter, Tensor a, Tensor b, Tensor? magnitude, float scale, float dropout)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        (_scale, _dropout) = (scale, dropout);
        A = layer.CreateUpdateWeight(LoRALayout.PartA, a);
        B = layer.CreateUpdateWeight(LoRALayout.PartB, b);
        Magnitude = layer.CreateUpdateWeight(LoRALayout.Magnitude, magnitude ?? LongLived(Lengths()));
        Parameters = [A, B, Magnitude];
    }

    /// <summary>A, [r, in].</summary>
    public Parameter A { get; }

    /// <summary>B, [out, r].</summary>
    public Parameter B { get; }

    /// <summary>m, [out].</summary>
    public Parameter Magnitude { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override LinearUpdateForm Form => LinearUpdateForm.RemakesWeight;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y)
    {
        Tensor dropped = Ops.Dropout(x, _dropout);
        Tensor low = Ops.Scale(Ops.Linear(dropped, A), _scale); // [N, r]
        Tensor c = Ratio();                                     // [out]
        Tensor b = Ops.Transpose(Ops.ScaleColumns(Ops.Transpose(B), c));
        if (IsAlone && ReferenceEquals(dropped, x))
        {
            // y is the layer's own xWᵀ + b: c ∘ y + c ∘ low·Bᵀ + (1 − c) ∘ b.
            Tensor? rest = Layer.Bias is { } bias ? Ops.Add(bias, Ops.Scale(Ops.Mul(c, bias), -1f)) : null;
            return Ops.Add(Ops.ScaleColumns(y, c), Ops.Linear(low, b, rest));
        }

        Tensor plain = Ops.Linear(dropped, Layer.Weight, bias: null, Layer.Transposed);
        Tensor less = Ops.Add(c, Constant(-1f));
        return Ops.Add(y, Ops.Add(Ops.ScaleColumns(plain, less), Ops.Linear(low, b)));
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        Backend backend = Layer.Weight.Base.Backend;
        using Tape tape = Tape.Begin(record: false, backend: backend);
        Tensor c = Ratio(); // of the weight as it was, before the change is added
        backend.AddInto(LoRAUpdate.Change(Layer, A, B, _scale), Layer.Weight.Base);
        Tensor scaled = Layer.Transposed
            ? Ops.ScaleColumns(Layer.Weight.Base, c)
            : Ops.Transpose(Ops.ScaleColumns(Ops.Transpose(Layer.Weight.Base), c));
        backend.Copy(scaled, Layer.Weight.Base);
    }

    private bool IsAlone => !Layer.Updates.Any(other => other != this && other.Enabled);

    // c = m / ‖V‖; only m is followed back.
    private Tensor Ratio() => Ops.Mul(Magnitude, Tensor.FromValues([Layer.Out], Array.ConvertAll(Lengths(), length => 1f / length), Layer.Weight.Value.Backend));

    private Tensor Constant(float value)
    {
        float[] values = new float[Layer.Out];
        Array.Fill(values, value);
        return Tensor.FromValues([Layer.Out], values, Layer.Weight.Value.Backend);
    }

    // The lengths of the rows of V. The kernels are called directly: nothing of this is followed back.
    private float[] Lengths()
    {
        (Tensor weight, int rank) = (Layer.Weight.Value, A.Value.Rows);
        Tensor products = Tensor.CreateLongLived([rank, Layer.Out], DType.F32, weight.Backend);
        Tensor gram = Tensor.CreateLongLived([rank, rank], DType.F32, weight.Backend);
        weight.Backend.MatMul(A.Value, false, weight, !Layer.Transposed, null, products, add: false); // A·Wᵀ
        weight.Backend.MatMul(A.Value, false, A.Value, true, null, gram, add: false);                 // A·Aᵀ
        (float[] p, float[] g, float[] b, double[] squares) = (products.ToArray(), gram.ToArray(), B.Value.ToArray(), PlainSquares(weight));
        float[] lengths = new float[Layer.Out];
        for (int o = 0; o < lengths.Length; o++)
        {
            (double linear, double quadratic) = (0, 0);
            for (int k = 0; k < rank; k++)
            {
                double bk = b[(o * rank) + k];
                linear += bk * p[(k * lengths.Length) + o];
                for (int l = 0; l < rank; l++)
                {
                    quadratic += bk * b[(o * rank) + l] * g[(k * rank) + l];
                }
            }

            lengths[o] = (float)Math.Sqrt(Math.Max(0, squares[o] + (2 * _scale * linear) + ((double)_scale * _scale * quadratic)));
        }

        return lengths;
    }

    // ‖W‖² of each row: frozen, so computed once for as long as the weight stays the same.
    private double[] PlainSquares(Tensor weight)
    {
        if (!ReferenceEquals(_plain.Weight, weight))
        {
            double[] squares = new double[Layer.Out];
            float[] values = weight.ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                squares[Layer.Transposed ? i % Layer.Out : i / Layer.In] += (double)values[i] * values[i];
            }

            _plain = (weight, squares);
        }

        return _plain.Squares;
    }

    private Tensor LongLived(float[] values)
    {
        Tensor tensor = Tensor.CreateLongLived([values.Length], DType.F32, Layer.Weight.Value.Backend);
        tensor.Backend.CopyFromHost(values, tensor);
        return tensor;
    }
}
