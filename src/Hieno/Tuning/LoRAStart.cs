using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>What a LoRA pair starts from.</summary>
public enum LoRAStart
{
    /// <summary>A uniform within ±1/√in, B zero (Hu et al. 2021).</summary>
    Kaiming,

    /// <summary>A normal with deviation 1/r, B zero.</summary>
    Gaussian,

    /// <summary>The r strongest directions of the weight, by singular values (PiSSA).</summary>
    Pissa,

    /// <summary>The first r columns of the weight, orthonormalised (OLoRA).</summary>
    Olora,
}

/// <summary>
/// Takes the start of a pair away again: y − s·B₀A₀x, where PiSSA and OLoRA begin with a pair that is not zero. Together with the pair the first
/// step starts from the base model, whose weight is left alone.
/// </summary>
internal sealed class LoRAStartUpdate(Linear layer, string adapter, Tensor a, Tensor b, float scale) : LinearUpdate(layer, adapter)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [];

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) => Ops.Add(y, Ops.Linear(Ops.Scale(Ops.Linear(x, a), -scale), b));

    /// <inheritdoc/>
    public override void Merge()
    {
        using Tape tape = Tape.Begin(record: false, backend: Layer.Weight.Base.Backend);
        Layer.Weight.Base.Backend.AddInto(LoRAUpdate.Change(Layer, a, b, -scale), Layer.Weight.Base);
    }
}

/// <summary>Pairs that carry the principal part of a layer's weight.</summary>
/// <remarks>
/// PiSSA: Meng et al. 2024, <see href="https://arxiv.org/abs/2404.02948"/>, equations 2 to 4. OLoRA: Büyükakyüz 2024,
/// <see href="https://arxiv.org/abs/2406.01775"/>, algorithm 1. Both make W − s·B₀A₀ the frozen weight and train from B₀A₀ on.
/// </remarks>
internal static class PrincipalPair
{
    /// <summary>A₀ [r, in] and B₀ [out, r].</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="start">PiSSA or OLoRA.</param>
    /// <param name="rank">r, at most the smaller side of the weight.</param>
    /// <param name="scale">s; PiSSA divides by it, so that s·B₀A₀ is the principal part, OLoRA does not.</param>
    public static (Tensor A, Tensor B) Of(Linear layer, LoRAStart start, int rank, float scale)
    {
        double[] w = Array.ConvertAll(layer.Weight.Base.ToArray(), value => (double)value);
        w = layer.Transposed ? Matrices.Transpose(w, layer.In, layer.Out) : w; // [out, in]
        (double[] a, double[] b) = start == LoRAStart.Pissa ? Pissa(w, layer.Out, layer.In, rank, scale) : Olora(w, layer.Out, layer.In, rank);
        return (LongLived([rank, layer.In], a, layer), LongLived([layer.Out, rank], b, layer));
    }

    // B = U√(S/s), A = √(S/s)Vᵀ.
    private static (double[] A, double[] B) Pissa(double[] w, int rows, int columns, int rank, float scale)
    {
        (double[] u, double[] s, double[] v) = Matrices.LeadingSingular(w, rows, columns, rank);
        double[] a = new double[rank * columns];
        double[] b = new double[rows * rank];
        for (int k = 0; k < rank; k++)
        {
            double root = Math.Sqrt(s[k] / scale);
            for (int i = 0; i < columns; i++)
            {
                a[(k * columns) + i] = root * v[(i * rank) + k];
            }

            for (int o = 0; o < rows; o++)
            {
                b[(o * rank) + k] = root * u[(o * rank) + k];
            }
        }

        return (a, b);
    }

    // W = QR; of Q the first r columns, of R the first r rows, which are QᵀW.
    private static (double[] A, double[] B) Olora(double[] w, int rows, int columns, int rank)
    {
        double[] q = new double[rows * rank];
        for (int o = 0; o < rows; o++)
        {
            Array.Copy(w, o * columns, q, o * rank, Math.Min(rank, columns));
        }

        Matrices.Orthonormalize(q, rows, rank);
        return (Matrices.Multiply(Matrices.Transpose(q, rows, rank), w, rank, rows, columns), q);
    }

    private static Tensor LongLived(Shape shape, double[] values, Linear layer)
    {
        Tensor tensor = Tensor.CreateLongLived(shape, DType.F32, layer.Weight.Base.Backend);
        tensor.Backend.CopyFromHost(Array.ConvertAll(values, value => (float)value), tensor);
        return tensor;
    }
}
