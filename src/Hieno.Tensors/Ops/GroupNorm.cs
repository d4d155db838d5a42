namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Shifts and scales the channels of each picture, group by group, to mean 0 and variance 1 over the group's channels and all pixels, then applies
    /// a learned gain and bias. With as many groups as channels it is instance normalisation.
    /// </summary>
    /// <param name="x">[N, ..., C]: pictures, or sequences, with their channels last.</param>
    /// <param name="groups">Groups of neighbouring channels; they divide C.</param>
    /// <param name="gain">g, [C], or null for none.</param>
    /// <param name="bias">b, [C], or null for none.</param>
    /// <param name="eps">Added under the root. Default 1e-5.</param>
    /// <returns>y = g · (x − mean) / √(variance + eps) + b, shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException">The groups do not divide the channels, or a weight is not [C].</exception>
    /// <remarks>
    /// Wu and He 2018, <see href="https://arxiv.org/abs/1803.08494"/>, equation 7; instances: Ulyanov et al. 2016, <see href="https://arxiv.org/abs/1607.08022"/>.
    /// </remarks>
    public static Tensor GroupNorm(Tensor x, int groups, Tensor? gain, Tensor? bias, float eps = 1e-5f)
    {
        CheckChannelNorm(x, gain, bias, null, null, nameof(GroupNorm));
        ShapeException.ThrowUnless(x.Shape.Rank >= 2 && groups > 0 && x.Columns % groups == 0, $"{groups} groups do not divide the channels of x {x.Shape}.");
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        Tensor mean = Tensor.Create([x.Shape[0], x.Columns], x.Backend); // of the group, once for each of its channels
        Tensor inverse = Tensor.Create([x.Shape[0], x.Columns], x.Backend);
        x.Backend.GroupNormForward(x, groups, gain, bias, eps, y, mean, inverse);
        Tape.Spend(8 * x.Count);
        return Tape.Wants(x, gain, bias) ? Tape.Record(y, new GroupNormBackward(x, groups, gain, bias, mean, inverse)) : y;
    }

    // With n = (x − mean)·r and q = g·dy, means over the group:
    //   db += Σ dy        dg += Σ dy·n        dx += r·(q − mean(q) − n·mean(q·n))
    private sealed class GroupNormBackward : Backward
    {
        private readonly Tensor _x;
        private readonly int _groups;
        private readonly Tensor? _gain;
        private readonly Tensor? _bias;
        private readonly Tensor _mean;
        private readonly Tensor _inverse;

        public GroupNormBackward(Tensor x, int groups, Tensor? gain, Tensor? bias, Tensor mean, Tensor inverse)
            : base(x, gain, bias)
        {
            (_x, _groups, _gain, _bias) = (Hold(x), groups, gain, bias);
            (_mean, _inverse) = (Hold(mean), Hold(inverse));
        }

        public override long FlopsFor(Tensor input) => (input == _x ? 11L : input == _gain ? 4L : 1L) * _x.Count;

        protected override void Run(Tensor dy)
        {
            (bool addToX, bool addToGain, bool addToBias) = (false, false, false);
            Tensor? dx = Needs(_x) ? GradOf(_x, out addToX) : null;
            Tensor? dgain = Needs(_gain) ? GradOf(_gain!, out addToGain) : null;
            Tensor? dbias = Needs(_bias) ? GradOf(_bias!, out addToBias) : null;
            dy.Backend.GroupNormBackward(_x, _groups, _gain, _mean, _inverse, dy, dx, addToX, dgain, addToGain, dbias, addToBias);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.GroupNorm"/>; also writes each group's mean and 1 / √(variance + eps), once for each picture and channel.</summary>
    public abstract void GroupNormForward(Tensor x, int groups, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse);

    /// <summary>Kernel of the derivative; null destinations are not computed, flags say add or overwrite.</summary>
    public abstract void GroupNormBackward(
        Tensor x,
        int groups,
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
