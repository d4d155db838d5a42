using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Lion"/>.</summary>
public sealed record LionOptions : OptimizerOptions
{
    /// <summary>Share of each weight taken off in a step, times the learning rate; biases and norms are spared; five times AdamW's, because the rate is a fifth. Default 0.05.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; } = 0.05;

    /// <summary>Share of the momentum in the direction of a step. Default 0.9.</summary>
    [Range(0.0, 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the momentum. Default 0.99.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.99;

    /// <summary>A fifth of AdamW's; the paper advises a third to a tenth (section 5).</summary>
    public override double DefaultLearningRate(double ofAdamW) => ofAdamW / 5;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Lion(this, parameters);
}

/// <summary>Steps of the same size for every weight, in the direction of a momentum: half of AdamW's memory.</summary>
/// <remarks>Chen et al. 2023, <see href="https://arxiv.org/abs/2302.06675"/>, algorithm 2.</remarks>
public sealed class Lion(LionOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("exp_avg", parameter.Value.Shape)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.LionStep(step.Value, step.Grad, step.State[0], new LionSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
        });
    }
}
