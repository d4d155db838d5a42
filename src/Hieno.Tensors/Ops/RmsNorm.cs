namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Divides each row by its root mean square, then scales it by a learned gain.</summary>
    /// <param name="x">Activations, [..., C].</param>
    /// <param name="gain">Scale g, [C].</param>
    /// <param name="eps">Added under the root so that a zero row stays finite.</param>
    /// <param name="gainOffset">Added to the gain: 0, or 1 where a checkpoint stores g − 1 (Gemma).</param>
    /// <returns>y = (g + offset) · x / √(mean(x²) + eps), shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException"><paramref name="gain"/> is not [C].</exception>
    /// <remarks>Zhang and Sennrich 2019, <see href="https://arxiv.org/abs/1910.07467"/>, equation 4.</remarks>
    public static Tensor RmsNorm(Tensor x, Tensor gain, float eps = 1e-6f, float gainOffset = 0f)
    {
        ArgumentNullException.ThrowIfNull(x);
        ShapeException.ThrowIfNot(gain, [x.Columns]);

        Tensor y = Tensor.Create(x.Shape, x.Backend);
        Tensor inverseRms = Tensor.Create([x.Rows], x.Backend); // one per row, kept for the backward pass
        x.Backend.RmsNormForward(x, gain, eps, gainOffset, y, inverseRms);
        Tape.Spend(4 * x.Count);
        return Tape.Wants(x, gain) ? Tape.Record(y, new RmsNormBackward(x, gain, eps, gainOffset, inverseRms)) : y;
    }

    // With r a row's inverse RMS, n = r·x and q = (g + offset)·dy:
    //   dg += Σ over rows of dy·n
    //   dx += r·(q − n·mean(q·n))
    private sealed class RmsNormBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _gain;
        private readonly float _eps;
        private readonly float _gainOffset;
        private readonly Tensor _inverseRms;

        public RmsNormBackward(Tensor x, Tensor gain, float eps, float gainOffset, Tensor inverseRms)
            : base(x, gain)
        {
            (_x, _gain, _eps, _gainOffset, _inverseRms) = (Hold(x), gain, eps, gainOffset, Hold(inverseRms));
        }

        public override long FlopsFor(Tensor input) => (input == _x ? 8L : 3L) * _x.Count;

        protected internal override bool CanRestore => true;

        protected internal override void Restore() => _x.Backend.RmsNormForward(_x, _gain, _eps, _gainOffset, Output, _inverseRms);

        protected override void Run(Tensor dy)
        {
            bool addToX = false;
            bool addToGain = false;
            Tensor? dx = Needs(_x) ? GradOf(_x, out addToX) : null;
            Tensor? dgain = Needs(_gain) ? GradOf(_gain, out addToGain) : null; // null while the base model is frozen, as under LoRA
            dy.Backend.RmsNormBackward(_x, _gain, _gainOffset, _inverseRms, dy, dx, addToX, dgain, addToGain);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.RmsNorm"/>; also writes each row's 1 / √(mean(x²) + eps).</summary>
    public abstract void RmsNormForward(Tensor x, Tensor gain, float eps, float gainOffset, Tensor y, Tensor inverseRms);

    /// <summary>Kernel of the derivative of <see cref="Ops.RmsNorm"/>; null destinations are not computed, flags say add or overwrite.</summary>
    public abstract void RmsNormBackward(
        Tensor x, Tensor gain, float gainOffset, Tensor inverseRms, Tensor dy, Tensor? dx, bool addToX, Tensor? dgain, bool addToGain);
}
