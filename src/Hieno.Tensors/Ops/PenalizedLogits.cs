namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// The logits themselves, for a loss that also holds Σ over rows of s·softmax(logits) with slopes s that are known only after the forward
    /// pass: the backward pass adds that term's gradient. The term's value is for the caller to compute.
    /// </summary>
    /// <param name="logits">[N, K].</param>
    /// <param name="slopes">Gives s, [K], when the backward pass comes by; null for no term.</param>
    /// <returns>The same numbers.</returns>
    /// <remarks>It may lie in a part that gradient checkpointing computes again, which a loss added at the end could not reach into.</remarks>
    public static Tensor PenalizedLogits(Tensor logits, Func<float[]?> slopes)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(slopes);
        DTypes.ThrowIfNotF32(logits);
        return Tape.Wants(logits) ? Tape.Record(logits.View(logits.Shape), new PenalizedLogitsBackward(logits, slopes)) : logits;
    }

    // With p = softmax(logits): dlogits += dy + p·(s − Σ over the row of s·p).
    private sealed class PenalizedLogitsBackward : Backward
    {
        private readonly Tensor _logits;
        private readonly Func<float[]?> _slopes;

        public PenalizedLogitsBackward(Tensor logits, Func<float[]?> slopes)
            : base(logits) => (_logits, _slopes) = (Hold(logits), slopes);

        public override long FlopsFor(Tensor input) => 8 * _logits.Count;

        protected override void Run(Tensor dy)
        {
            PassGrad(_logits, dy);
            if (_slopes() is not { } slopes)
            {
                return;
            }

            ShapeException.ThrowUnless(slopes.Length == _logits.Columns, $"there are {slopes.Length} slopes for the {_logits.Columns} columns of {_logits.Shape}.", nameof(PenalizedLogits));
            float[] rows = new float[_logits.Count];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = slopes[i % slopes.Length];
            }

            Tensor probabilities = Tensor.Create(_logits.Shape, dy.Backend);
            dy.Backend.SoftmaxForward(_logits, probabilities);
            dy.Backend.SoftmaxBackward(probabilities, Tensor.FromValues(_logits.Shape, rows, dy.Backend), GradOf(_logits, out _), add: true);
        }
    }
}
