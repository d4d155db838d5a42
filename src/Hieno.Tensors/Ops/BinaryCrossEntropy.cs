using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Binary cross-entropy with logits, for labels that do not exclude each other: scale · Σᵢ wᵢ · Σₖ (log(1 + eᶻ) − t · z) of z = zᵢ[k], t = tᵢ[k].
    /// </summary>
    /// <param name="logits">z, [..., K], seen as N rows.</param>
    /// <param name="targets">t, N · K probabilities, row by row.</param>
    /// <param name="rowWeights">w, N factors; null (default) for all 1.</param>
    /// <param name="scale">Factor of the sum, e.g. 1 / (N · K) for the mean.</param>
    /// <returns>[1].</returns>
    /// <exception cref="ShapeException">The number of targets is not N · K, or the number of weights not N.</exception>
    public static Tensor BinaryCrossEntropy(Tensor logits, float[] targets, float[]? rowWeights = null, float scale = 1f)
    {
        ArgumentNullException.ThrowIfNull(logits);
        CheckTargets(logits, targets, rowWeights);
        Tensor? gradient = Tape.Wants(logits) ? Tensor.Create(logits.Shape, logits.Backend) : null;
        double loss = logits.Backend.BinaryCrossEntropy(logits, targets, RowFactors(rowWeights, scale, logits.Rows), gradient);
        return ComputedLoss(logits, loss, gradient);
    }

    private static void CheckTargets(
        Tensor predictions, float[] targets, float[]? rowWeights, [CallerMemberName] string op = "")
    {
        ArgumentNullException.ThrowIfNull(targets);
        ThrowUnlessSingle(predictions, op);
        ShapeException.ThrowUnless(targets.Length == predictions.Count, $"there are {targets.Length} targets for {predictions.Shape}.", op);
        ShapeException.ThrowUnless(
            rowWeights is null || rowWeights.Length == predictions.Rows, $"there are {rowWeights?.Length} row weights for {predictions.Rows} rows.", op);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.BinaryCrossEntropy"/>: the sum, each row multiplied by its factor, and its gradient if wanted.</summary>
    public abstract double BinaryCrossEntropy(Tensor logits, ReadOnlySpan<float> targets, ReadOnlySpan<float> factors, Tensor? gradient);
}
