using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>
/// Batch normalisation of channels. In training it reads the batch and moves its running statistics, else it reads these. A layer whose gain and
/// offset are frozen keeps its statistics too, and reads them in training as well: what is frozen does not change. The same holds where an adapter
/// trains copies of them.
/// </summary>
/// <remarks>Ioffe and Szegedy 2015, <see href="https://arxiv.org/abs/1502.03167"/>, algorithm 1.</remarks>
public sealed class BatchNorm : Module
{
    private readonly float _eps;
    private readonly float _momentum;

    /// <summary>Takes <c>weight</c>, <c>bias</c>, <c>running_mean</c> and <c>running_var</c> from <paramref name="w"/>.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="eps">Added to the variance under the root. Default 1e-5.</param>
    /// <param name="momentum">The weight of a batch in the running statistics. Default 0.1.</param>
    public BatchNorm(WeightScope w, int channels, float eps = 1e-5f, float momentum = 0.1f)
        : base(w.Path)
    {
        (_eps, _momentum) = (eps, momentum);
        WeightScope norm = w.As(w.Kind == ParameterKind.Head ? ParameterKind.Head : ParameterKind.Norm);
        Gain = Add(norm.Weight("weight", [channels], Initializer.Ones));
        Offset = Add(norm.Weight("bias", [channels], Initializer.Zeros));
        Mean = Add(norm.Buffer("running_mean", [channels], Initializer.Zeros));
        Variance = Add(norm.Buffer("running_var", [channels], Initializer.Ones));
    }

    /// <summary>The scale, [channels].</summary>
    public Parameter Gain { get; }

    /// <summary>The shift, [channels].</summary>
    public Parameter Offset { get; }

    /// <summary>The running mean, [channels].</summary>
    public ModuleBuffer Mean { get; }

    /// <summary>The running variance, [channels].</summary>
    public ModuleBuffer Variance { get; }

    /// <summary>
    /// Whether training reads the batch: null (default) where gain or offset is trained; true always, false never. Always is what other
    /// libraries do unless told otherwise.
    /// </summary>
    public bool? ReadsBatch { get; set; }

    /// <summary>Normalises channels.</summary>
    /// <param name="x">[..., channels].</param>
    /// <param name="activation">What is applied to the result. Default: nothing.</param>
    /// <returns>The same shape.</returns>
    public Tensor Forward(Tensor x, Activation activation = Activation.Identity)
    {
        bool isTraining = Tape.Current is { IsTraining: true } && (ReadsBatch ?? (Learns(Gain) || Learns(Offset)));
        if (!isTraining)
        {
            return Ops.BatchNormFixed(x, Gain, Offset, Mean.Value, Variance.Value, _eps, activation);
        }

        // A checkpointed span runs twice; only its second pass records, and only that one moves the statistics. A trace looks at a step without taking it.
        bool moves = Tape.Current is { IsRecording: true, IsTrace: false };
        return Ops.BatchNorm(x, Gain, Offset, moves ? Mean.Value : null, moves ? Variance.Value : null, _momentum, _eps, activation);
    }

    // An adapter's copy of a weight learns beside the model, whose statistics stay what they are when it is switched off.
    private static bool Learns(Parameter weight) => weight.Trainable && ReferenceEquals(weight.Value, weight.Base);
}
