namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Shifts each row to mean 0, scales it to variance 1, then applies a learned gain and bias.</summary>
    /// <param name="x">Activations, [..., C].</param>
    /// <param name="gain">Scale g, [C]; null leaves the rows unscaled (OLMo).</param>
    /// <param name="bias">Shift b, [C]; null leaves it out.</param>
    /// <param name="eps">Added under the root so that a constant row stays finite.</param>
    /// <returns>y = g · (x − mean) / √(variance + eps) + b with the variance over C values (not C − 1), shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException"><paramref name="gain"/> or <paramref name="bias"/> is not [C].</exception>
    /// <remarks>Ba, Kiros and Hinton 2016, <see href="https://arxiv.org/abs/1607.06450"/>, section 3.</remarks>
    public static Tensor LayerNorm(Tensor x, Tensor? gain, Tensor? bias, float eps = 1e-5f)
    {
        ArgumentNullException.ThrowIfNull(x);
        DTypes.ThrowIfNotF32(x);
        foreach ((Tensor? weight, string name) in ((Tensor?, string)[])[(gain, nameof(gain)), (bias, nameof(bias))])
        {
            if (weight is not null)
            {
                ShapeException.ThrowIfNot(weight, [x.Columns], name: name);
                DTypes.ThrowIfNotF32(weight, name: name);
            }
        }

        Tensor y = Tensor.Create(x.Shape, x.Backend);
        Tensor mean = Tensor.Create([x.Rows], x.Backend); // one per row, kept for the backward pass, as is
        Tensor inverse = Tensor.Create([x.Rows], x.Backend); // 1 / √(variance + eps)
        x.Backend.LayerNormForward(x, gain, bias, eps, y, mean, inverse);
        Tape.Spend(8 * x.Count);
        return Tape.Wants(x, gain, bias) ? Tape.Record(y, new LayerNormBackward(x, gain, bias, eps, mean, inverse)) : y;
    }

    // With n = (x − mean)·r, r the inverse deviation, and q = g·dy:
    //   db += Σ over rows of dy
    //   dg += Σ over rows of dy·n
    //   dx += r·(q − mean(q) − n·mean(q·n))
    private sealed class LayerNormBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor? _gain;
        private readonly Tensor? _bias;
        private readonly float _eps;
        private readonly Tensor _mean;
        private readonly Tensor _inverse;

        public LayerNormBackward(Tensor x, Tensor? gain, Tensor? bias, float eps, Tensor mean, Tensor inverse)
            : base(x, gain, bias)
        {
            (_x, _gain, _bias, _eps) = (Hold(x), gain, bias, eps);
            (_mean, _inverse) = (Hold(mean), Hold(inverse));
        }

        public override long FlopsFor(Tensor input) => (input == _x ? 11L : input == _gain ? 4L : 1L) * _x.Count;

        protected internal override bool CanRestore => true;

        protected internal override void Restore() => _x.Backend.LayerNormForward(_x, _gain, _bias, _eps, Output, _mean, _inverse);

        protected override void Run(Tensor dy)
        {
            (bool addToX, bool addToGain, bool addToBias) = (false, false, false);
            Tensor? dx = Needs(_x) ? GradOf(_x, out addToX) : null;
            Tensor? dgain = Needs(_gain) ? GradOf(_gain!, out addToGain) : null;
            Tensor? dbias = Needs(_bias) ? GradOf(_bias!, out addToBias) : null;
            dy.Backend.LayerNormBackward(_x, _gain, _mean, _inverse, dy, dx, addToX, dgain, addToGain, dbias, addToBias);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.LayerNorm"/>; also writes each row's mean and 1 / √(variance + eps).</summary>
    public abstract void LayerNormForward(Tensor x, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse);

    /// <summary>Kernel of the derivative of <see cref="Ops.LayerNorm"/>; null destinations are not computed, flags say add or overwrite.</summary>
    public abstract void LayerNormBackward(
        Tensor x,
        Tensor? gain,
        Tensor mean,
        Tensor inverse,
        Tensor dy,
        Tensor? dx,
        bool addToX,
        Tensor? dgain,
        bool addToGain,
        Tensor? dbias,
        bool addToBias);
}
