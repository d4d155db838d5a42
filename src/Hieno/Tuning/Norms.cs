using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="Norms"/>.</summary>
public sealed record NormsOptions : TuningOptions
{
    /// <summary>Whether the output layer learns as well. Default true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Norms(this);
}

/// <summary>Only normalisation layers learn (gains, and offsets where there are any), and the output layer.</summary>
/// <remarks>ValizadehAslani and Liang 2024, <see href="https://arxiv.org/abs/2403.20284"/>; PEFT calls it LN_TUNING.</remarks>
public sealed class Norms(NormsOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed) =>
        ChosenWeights.Train(model, "norms", parameter => parameter.Kind == ParameterKind.Norm, options.TrainHead, "Choose 'partial' or 'lora'");
}
