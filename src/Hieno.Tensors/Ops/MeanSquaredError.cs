namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Squared error: scale · Σᵢ wᵢ · Σₖ (pᵢ[k] − tᵢ[k])².</summary>
    /// <param name="predictions">p, [..., K], seen as N rows.</param>
    /// <param name="targets">t, N · K numbers, row by row.</param>
    /// <param name="rowWeights">w, N factors; null (default) for all 1.</param>
    /// <param name="scale">Factor of the sum: 1 / (N · K) for the mean squared error.</param>
    /// <returns>[1].</returns>
    /// <exception cref="ShapeException">The number of targets is not N · K, or the number of weights not N.</exception>
    public static Tensor MeanSquaredError(Tensor predictions, float[] targets, float[]? rowWeights = null, float scale = 1f)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        CheckTargets(predictions, targets, rowWeights);
        Tensor? gradient = Tape.Wants(predictions) ? Tensor.Create(predictions.Shape, predictions.Backend) : null;
        double loss = predictions.Backend.SquaredError(predictions, targets, RowFactors(rowWeights, scale, predictions.Rows), gradient);
        return ComputedLoss(predictions, loss, gradient);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.MeanSquaredError"/>: the sum, each row multiplied by its factor, and its gradient if wanted.</summary>
    public abstract double SquaredError(Tensor predictions, ReadOnlySpan<float> targets, ReadOnlySpan<float> factors, Tensor? gradient);
}
