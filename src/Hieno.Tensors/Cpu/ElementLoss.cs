namespace Hieno.Tensors.Cpu;

/// <summary>Losses that are a sum over single numbers. Heads with such a loss are small: a plain loop in double precision will do.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <summary>A loss of one prediction and one target.</summary>
    private interface IElementLoss
    {
        /// <summary>The loss and its derivative with respect to <paramref name="prediction"/>.</summary>
        static abstract (double Loss, double Slope) At(double prediction, double target);
    }

    /// <inheritdoc/>
    public override double BinaryCrossEntropy(Tensor logits, ReadOnlySpan<float> targets, ReadOnlySpan<float> factors, Tensor? gradient) =>
        SumOfElements<BinaryCrossEntropyElement>(logits, targets, factors, gradient);

    /// <inheritdoc/>
    public override double SquaredError(Tensor predictions, ReadOnlySpan<float> targets, ReadOnlySpan<float> factors, Tensor? gradient) =>
        SumOfElements<SquaredErrorElement>(predictions, targets, factors, gradient);

    private static double SumOfElements<TLoss>(Tensor predictions, ReadOnlySpan<float> targets, ReadOnlySpan<float> factors, Tensor? gradient)
        where TLoss : IElementLoss
    {
        double sum = 0;
        int columns = predictions.Columns;
        for (int row = 0; row < factors.Length; row++)
        {
            ReadOnlySpan<float> values = predictions.Row(row);
            Span<float> gradients = gradient is null ? [] : gradient.Row(row);
            for (int c = 0; c < columns; c++)
            {
                (double loss, double slope) = TLoss.At(values[c], targets[(row * columns) + c]);
                sum += factors[row] * loss;
                if (gradient is not null)
                {
                    gradients[c] = (float)(factors[row] * slope);
                }
            }
        }

        KeepAlive(predictions, gradient);
        return sum;
    }

    private readonly struct BinaryCrossEntropyElement : IElementLoss
    {
        // log(1 + eᶻ) = max(z, 0) + log(1 + e^−|z|), which never overflows. For z < −37, 1 + e^−|z| is 1 in double precision: the loss
        // of a target 0 is then given as 0 instead of eᶻ, an absolute error below 1e-16.
        public static (double Loss, double Slope) At(double prediction, double target)
        {
            double tail = Math.Exp(-Math.Abs(prediction));
            double sigmoid = prediction >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
            return (Math.Max(prediction, 0) + Math.Log(1 + tail) - (prediction * target), sigmoid - target);
        }
    }

    private readonly struct SquaredErrorElement : IElementLoss
    {
        public static (double Loss, double Slope) At(double prediction, double target)
        {
            double error = prediction - target;
            return (error * error, 2 * error);
        }
    }
}
