using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The label of rows that take no part in a loss.</summary>
    public const int IgnoredLabel = -100;

    /// <summary>
    /// Cross-entropy of given logits: scale · Σᵢ wᵢ · ((1 − ε) · (lse zᵢ − zᵢ[label]) + ε · mean over k of (lse zᵢ − zᵢ[k])),
    /// where lse is the logarithm of the sum of exponentials. Rows labelled −100 are skipped.
    /// </summary>
    /// <param name="logits">z, [..., K], seen as N rows.</param>
    /// <param name="labels">N classes from 0 to K − 1, or −100.</param>
    /// <param name="rowWeights">w, N factors; null (default) for all 1.</param>
    /// <param name="scale">Factor of the sum, e.g. 1 / N for the mean.</param>
    /// <param name="labelSmoothing">ε, the part of the target that is spread over all K classes: 0 (default) to 1.</param>
    /// <returns>[1].</returns>
    /// <exception cref="ShapeException">The number of labels or weights is not N.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label is neither −100 nor a class, or the smoothing is outside 0 to 1.</exception>
    /// <remarks>Label smoothing: Szegedy et al. 2016, <see href="https://arxiv.org/abs/1512.00567"/>, section 7.</remarks>
    public static Tensor CrossEntropy(Tensor logits, int[] labels, float[]? rowWeights = null, float scale = 1f, float labelSmoothing = 0f)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ThrowUnlessSingle(logits, nameof(CrossEntropy));
        CheckLabels(labels, rowWeights, logits.Rows, logits.Columns);
        if (labelSmoothing is not (>= 0f and <= 1f))
        {
            throw new ArgumentOutOfRangeException(nameof(labelSmoothing), labelSmoothing, "CrossEntropy: labelSmoothing must lie between 0 and 1.");
        }

        Tensor? gradient = Tape.Wants(logits) ? Tensor.Create(logits.Shape, logits.Backend) : null;
        float[] factors = RowFactors(rowWeights, scale, labels.Length);
        float[] losses = new float[labels.Length];
        logits.Backend.CrossEntropyRows(logits, labels, factors, labelSmoothing, gradient, losses, new bool[labels.Length]);
        return ComputedLoss(logits, WeightedSum(losses, factors), gradient);
    }

    /// <summary>A scalar loss whose gradient with respect to <paramref name="input"/> was computed along with it.</summary>
    private static Tensor ComputedLoss(Tensor input, double loss, Tensor? gradient)
    {
        Tape.Spend(4 * input.Count);
        Tensor y = Tensor.FromValues([1], [(float)loss], input.Backend);
        return gradient is null ? y : Tape.Record(y, new ComputedLossBackward(input, gradient));
    }

    private static float[] RowFactors(float[]? rowWeights, float scale, int rows)
    {
        float[] factors = new float[rows];
        for (int i = 0; i < rows; i++)
        {
            factors[i] = (rowWeights?[i] ?? 1f) * scale;
        }

        return factors;
    }

    // Always in the same order, and in double precision: long sums of small losses must not depend on how rows were shared out.
    private static double WeightedSum(ReadOnlySpan<float> losses, ReadOnlySpan<float> factors)
    {
        double sum = 0;
        for (int i = 0; i < losses.Length; i++)
        {
            sum += (double)losses[i] * factors[i];
        }

        return sum;
    }

    private static void CheckLabels(
        int[] labels, float[]? rowWeights, int rows, int classes, [CallerMemberName] string op = "")
    {
        ArgumentNullException.ThrowIfNull(labels);
        ShapeException.ThrowUnless(labels.Length == rows, $"there are {labels.Length} labels for {rows} rows.", op);
        ShapeException.ThrowUnless(rowWeights is null || rowWeights.Length == rows, $"there are {rowWeights?.Length} row weights for {rows} rows.", op);
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] != IgnoredLabel && (uint)labels[i] >= (uint)classes)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(labels), labels[i], $"{op}: label {labels[i]} of row {i} is not one of the {classes} classes. Use 0 to {classes - 1}, or {IgnoredLabel} to skip the row.");
            }
        }
    }

    // The forward pass left d(loss)/d(input); the chain rule only multiplies it with the gradient of the loss, nearly always 1.
    private sealed class ComputedLossBackward : Backward
    {
        private readonly Tensor _input;
        private readonly Tensor _gradient;

        public ComputedLossBackward(Tensor input, Tensor gradient)
            : base(input)
        {
            (_input, _gradient) = (input, Hold(gradient));
        }

        public override long FlopsFor(Tensor input) => 4L * _input.Count;

        protected override void Run(Tensor dy)
        {
            dy.Backend.AddScaled(_gradient, dy, _gradient, add: false);
            PassGrad(_input, _gradient);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>
    /// For each row of <paramref name="logits"/>: its unweighted loss, whether the label's logit is the (first) largest and, if wanted,
    /// factor · d(loss)/d(logits). <paramref name="gradient"/> may be <paramref name="logits"/> itself. Rows labelled −100 give 0.
    /// </summary>
    public abstract void CrossEntropyRows(
        Tensor logits, ReadOnlySpan<int> labels, ReadOnlySpan<float> factors, float smoothing, Tensor? gradient, Span<float> losses, Span<bool> correct);

    /// <summary>destination (+)= factor[0] · source; both may be the same tensor.</summary>
    public abstract void AddScaled(Tensor source, Tensor factor, Tensor destination, bool add);
}
