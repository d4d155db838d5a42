namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>A loss that is a function of the log-probabilities of labels, such as those that compare several texts.</summary>
    /// <param name="logits">[N, K].</param>
    /// <param name="labels">The class of each row whose log-probability is wanted, each from 0 to K − 1.</param>
    /// <param name="loss">From the N log-probabilities the loss, and its derivative by each of them.</param>
    /// <returns>The loss, [1].</returns>
    /// <exception cref="ArgumentException">The loss has another number of derivatives than there are rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label is not one of the classes.</exception>
    public static Tensor LogProbabilityLoss(Tensor logits, int[] labels, Func<double[], (double Loss, double[] Gradient)> loss)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(loss);
        ThrowUnlessSingle(logits, nameof(LogProbabilityLoss));
        CheckLabels(labels, null, logits.Rows, logits.Columns);
        if (Array.IndexOf(labels, IgnoredLabel) is >= 0 and var ignored)
        {
            throw new ArgumentOutOfRangeException(nameof(labels), IgnoredLabel, $"LogProbabilityLoss: row {ignored} has no label. Give only rows that have one.");
        }

        (float[] losses, bool[] correct) = (new float[labels.Length], new bool[labels.Length]);
        logits.Backend.CrossEntropyRows(logits, labels, RowFactors(null, 1f, labels.Length), smoothing: 0f, gradient: null, losses, correct);
        (double value, double[] derivatives) = loss(Array.ConvertAll(losses, item => -(double)item));
        if (derivatives.Length != labels.Length)
        {
            throw new ArgumentException($"LogProbabilityLoss: the loss gave {derivatives.Length} derivatives for {labels.Length} rows.", nameof(loss));
        }

        Tensor? gradient = null;
        if (Tape.Wants(logits))
        {
            // ∂(−log p)/∂logits = p − onehot, which the kernel multiplies by the row's factor.
            gradient = Tensor.Create(logits.Shape, logits.Backend);
            logits.Backend.CrossEntropyRows(logits, labels, Array.ConvertAll(derivatives, item => (float)-item), smoothing: 0f, gradient, losses, correct);
        }

        return ComputedLoss(logits, value, gradient);
    }
}
