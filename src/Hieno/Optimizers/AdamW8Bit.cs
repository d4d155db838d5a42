using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="AdamW8Bit"/>.</summary>
public sealed record AdamW8BitOptions : OptimizerOptions
{
    /// <summary>Share of each weight taken off in a step, times the learning rate; biases and norms are spared. Default 0.01.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; } = 0.01;

    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    [Range(0.0, 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weights of fewer numbers keep 32-bit means. Default 4096.</summary>
    [Range(0, int.MaxValue)]
    public int Smallest { get; init; } = 4096;

    /// <summary>Means of token and position tables stay 32-bit, as the paper has it, because their gradients vary most. Default true.</summary>
    public bool KeepEmbeddings { get; init; } = true;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new AdamW8Bit(this, parameters);
}

/// <summary>AdamW whose means are kept as 8-bit codes: a quarter of their memory.</summary>
/// <remarks>Dettmers et al. 2022, <see href="https://arxiv.org/abs/2110.02861"/>, section 2.</remarks>
public sealed class AdamW8Bit(AdamW8BitOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Shape shape = parameter.Value.Shape;
        Shape blocks = [QuantizedTensor.BlocksOf(shape.Count)];
        return IsQuantized(parameter)
            ? [new("exp_avg", shape, DType.U8), new("exp_avg_absmax", blocks), new("exp_avg_sq", shape, DType.U8), new("exp_avg_sq_absmax", blocks)]
            : [new("exp_avg", shape), new("exp_avg_sq", shape)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        AdamSettings settings = Adam.Settings(step, options.Beta1, options.Beta2, options.Epsilon, decoupled: true);
        IReadOnlyList<Tensor> state = step.State;
        if (IsQuantized(step.Parameter))
        {
            Updates.Adam8BitStep(step.Value, step.Grad, new QuantizedTensor(state[0], state[1]), new QuantizedTensor(state[2], state[3]), settings);
        }
        else
        {
            Updates.AdamStep(step.Value, step.Grad, state[0], state[1], largest: null, settings);
        }
    }

    private bool IsQuantized(Parameter parameter) =>
        parameter.Count >= options.Smallest && !(options.KeepEmbeddings && parameter.Kind == ParameterKind.Embedding);
}
