namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Shifts and scales each channel to mean 0 and variance 1 over all rows of the batch, then applies a learned gain and bias. The running
    /// statistics move towards those of the batch: r ← (1 − m)·r + m·s, with the variance over N − 1.
    /// </summary>
    /// <param name="x">[..., C], seen as N rows: pixels of pictures whose channels are last.</param>
    /// <param name="gain">g, [C], or null for none.</param>
    /// <param name="bias">b, [C], or null for none.</param>
    /// <param name="runningMean">[C], moved in place; null to leave it.</param>
    /// <param name="runningVariance">[C], moved in place; null to leave it.</param>
    /// <param name="momentum">m, the weight of this batch. Default 0.1.</param>
    /// <param name="eps">Added under the root. Default 1e-5.</param>
    /// <param name="activation">What is applied to the result, which is then not kept for the backward pass but computed again. Default: nothing.</param>
    /// <returns>y = act(g · (x − mean) / √(variance + eps) + b), with the variance over N; shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException">A weight or statistic is not [C], or there is only one row, whose variance is not defined.</exception>
    /// <remarks>Ioffe and Szegedy 2015, <see href="https://arxiv.org/abs/1502.03167"/>, algorithm 1; running statistics as in PyTorch.</remarks>
    public static Tensor BatchNorm(
        Tensor x,
        Tensor? gain,
        Tensor? bias,
        Tensor? runningMean = null,
        Tensor? runningVariance = null,
        float momentum = 0.1f,
        float eps = 1e-5f,
        Activation activation = Activation.Identity)
    {
        CheckChannelNorm(x, gain, bias, runningMean, runningVariance, nameof(BatchNorm));
        ShapeException.ThrowUnless(x.Rows > 1, $"x has shape {x.Shape}: one value a channel has no variance. Give a larger batch, or use running statistics.");
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        Tensor mean = Tensor.Create([x.Columns], x.Backend);
        Tensor inverse = Tensor.Create([x.Columns], x.Backend); // 1 / √(variance + eps)
        x.Backend.BatchNormForward(x, gain, bias, eps, y, mean, inverse);
        ActivateInPlace(y, activation);
        Tape.Spend((6 + CostOf(activation)) * x.Count);
        MoveStatistics(mean, inverse, x.Rows, eps, momentum, runningMean, runningVariance);
        return Tape.Wants(x, gain, bias) ? Tape.Record(y, new BatchNormBackward(x, gain, bias, mean, inverse, activation, fixedStatistics: false)) : y;
    }

    /// <summary>Batch normalisation with statistics that are given, not computed: in evaluation, and where they are frozen.</summary>
    /// <param name="x">[..., C].</param>
    /// <param name="gain">g, [C], or null for none.</param>
    /// <param name="bias">b, [C], or null for none.</param>
    /// <param name="mean">[C].</param>
    /// <param name="variance">[C].</param>
    /// <param name="eps">Added under the root. Default 1e-5.</param>
    /// <param name="activation">As for <see cref="BatchNorm"/>.</param>
    /// <returns>y = act(g · (x − mean) / √(variance + eps) + b), shape of <paramref name="x"/>.</returns>
    /// <exception cref="ShapeException">A weight or statistic is not [C].</exception>
    public static Tensor BatchNormFixed(Tensor x, Tensor? gain, Tensor? bias, Tensor mean, Tensor variance, float eps = 1e-5f, Activation activation = Activation.Identity)
    {
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(variance);
        CheckChannelNorm(x, gain, bias, mean, variance, nameof(BatchNormFixed));
        Tensor inverse = Tensor.FromValues([x.Columns], Array.ConvertAll(variance.ToArray(), v => 1f / MathF.Sqrt(v + eps)), x.Backend);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.NormalizeChannels(x, gain, bias, mean, inverse, y);
        ActivateInPlace(y, activation);
        Tape.Spend((2 + CostOf(activation)) * x.Count);
        return Tape.Wants(x, gain, bias) ? Tape.Record(y, new BatchNormBackward(x, gain, bias, mean, inverse, activation, fixedStatistics: true)) : y;
    }

    private static void ActivateInPlace(Tensor y, Activation activation)
    {
        if (activation != Activation.Identity)
        {
            y.Backend.ActivateForward(y, activation, y);
        }
    }

    private static long CostOf(Activation activation) => activation == Activation.Identity ? 0 : 20;

    private static void CheckChannelNorm(Tensor x, Tensor? gain, Tensor? bias, Tensor? mean, Tensor? variance, string op)
    {
        ArgumentNullException.ThrowIfNull(x);
        ThrowUnlessSingle(x, op);
        foreach ((Tensor? part, string name) in ((Tensor?, string)[])[(gain, "gain"), (bias, "bias"), (mean, "mean"), (variance, "variance")])
        {
            if (part is not null)
            {
                ShapeException.ThrowIfNot(part, [x.Columns], op, name);
                ThrowUnlessSingle(part, op, name);
            }
        }
    }

    // Few numbers, and long-lived ones, so on the host: statistics are state, not part of the graph.
    private static void MoveStatistics(Tensor mean, Tensor inverse, int rows, float eps, float momentum, Tensor? runningMean, Tensor? runningVariance)
    {
        if (runningMean is not null)
        {
            Move(runningMean, mean.ToArray());
        }

        if (runningVariance is not null)
        {
            double toSample = rows / (rows - 1.0);
            Move(runningVariance, Array.ConvertAll(inverse.ToArray(), r => (float)(((1.0 / ((double)r * r)) - eps) * toSample)));
        }

        void Move(Tensor running, float[] batch)
        {
            float[] moved = running.ToArray();
            for (int c = 0; c < moved.Length; c++)
            {
                moved[c] = ((1f - momentum) * moved[c]) + (momentum * batch[c]);
            }

            running.Backend.CopyFromHost(moved, running);
        }
    }

    // With n = (x − mean)·r and N rows:
    //   db += Σ dy        dg += Σ dy·n        dx += g·r·(dy − Σ dy / N − n · Σ dy·n / N), or g·r·dy where the statistics are fixed
    // where dy is first multiplied by the slope of the activation, which is found from x as the result is.
    private sealed class BatchNormBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor? _gain;
        private readonly Tensor? _bias;
        private readonly Tensor _mean;
        private readonly Tensor _inverse;
        private readonly Activation _activation;
        private readonly bool _fixed;

        public BatchNormBackward(Tensor x, Tensor? gain, Tensor? bias, Tensor mean, Tensor inverse, Activation activation, bool fixedStatistics)
            : base(x, gain, bias)
        {
            CanRestore = !fixedStatistics || Needs(gain) || activation != Activation.Identity;
            _x = CanRestore ? Hold(x) : x;
            (_gain, _bias, _activation, _fixed) = (gain, bias, activation, fixedStatistics);
            _mean = mean.Storage.InScope ? Hold(mean) : mean;
            _inverse = Hold(inverse);
        }

        public override long FlopsFor(Tensor input) => ((input == _x ? _fixed ? 1L : 10L : input == _gain ? 4L : 1L) + CostOf(_activation)) * _x.Count;

        protected internal override bool CanRestore { get; }

        protected internal override void Restore()
        {
            _x.Backend.NormalizeChannels(_x, _gain, _bias, _mean, _inverse, Output);
            ActivateInPlace(Output, _activation);
        }

        protected override void Run(Tensor dy)
        {
            if (_activation == Activation.Identity)
            {
                Pass(dy);
                return;
            }

            Tensor slope = Tape.Current!.RentGrad(_x.Shape);
            dy.Backend.NormalizeChannels(_x, _gain, _bias, _mean, _inverse, slope);
            dy.Backend.ActivateBackward(slope, _activation, dy, slope, add: false);
            Pass(slope);
            slope.Storage.Release();
        }

        private void Pass(Tensor dy)
        {
            (bool addToX, bool addToGain, bool addToBias) = (false, false, false);
            Tensor? dx = Needs(_x) ? GradOf(_x, out addToX) : null;
            Tensor? dgain = Needs(_gain) ? GradOf(_gain!, out addToGain) : null;
            Tensor? dbias = Needs(_bias) ? GradOf(_bias!, out addToBias) : null;
            dy.Backend.BatchNormBackward(_x, _gain, _mean, _inverse, _fixed, dy, dx, addToX, dgain, addToGain, dbias, addToBias);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.BatchNorm"/>; also writes each channel's mean and 1 / √(variance + eps).</summary>
    public abstract void BatchNormForward(Tensor x, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse);

    /// <summary>y = gain · (x − mean) · inverse + bias, channel by channel.</summary>
    public abstract void NormalizeChannels(Tensor x, Tensor? gain, Tensor? bias, Tensor mean, Tensor inverse, Tensor y);

    /// <summary>Kernel of the derivative; null destinations are not computed, flags say add or overwrite.</summary>
    public abstract void BatchNormBackward(
        Tensor x,
        Tensor? gain,
        Tensor mean,
        Tensor inverse,
        bool fixedStatistics,
        Tensor dy,
        Tensor? dx,
        bool addToX,
        Tensor? dgain,
        bool addToGain,
        Tensor? dbias,
        bool addToBias);
}
