using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="RAdam"/>.</summary>
public sealed record RAdamOptions : OptimizerOptions
{
    /// <summary>Weight decay, added to the gradient; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    [Range(0.0, 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new RAdam(this, parameters);
}

/// <summary>Adam whose first steps are plain gradient descent, until its second mean can be trusted: a warm-up of its own.</summary>
/// <remarks>Liu et al. 2020, <see href="https://arxiv.org/abs/1908.03265"/>, algorithm 2, in PyTorch's form.</remarks>
public sealed class RAdam(RAdamOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("exp_avg", parameter.Value.Shape), new("exp_avg_sq", parameter.Value.Shape)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.RAdamStep(step.Value, step.Grad, step.State[0], step.State[1], new RAdamSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Epsilon = options.Epsilon,
        });
    }
}
