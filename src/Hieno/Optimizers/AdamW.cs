using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="AdamW"/>.</summary>
public sealed record AdamWOptions : OptimizerOptions
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

    /// <summary>Divides by the largest second mean so far (AMSGrad), for 4 more bytes a weight. Default false.</summary>
    public bool AmsGrad { get; init; }

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new AdamW(this, parameters);
}

/// <summary>Adam with bias correction and decoupled weight decay.</summary>
/// <remarks>Loshchilov and Hutter 2019, <see href="https://arxiv.org/abs/1711.05101"/>, algorithm 2; AMSGrad: Reddi et al. 2018, <see href="https://arxiv.org/abs/1904.09237"/>, algorithm 2.</remarks>
public sealed class AdamW(AdamWOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter) => Adam.Parts(parameter, options.AmsGrad);

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        if (options.AmsGrad)
        {
            Updates.AdamStep(step.Value, step.Grad, step.State[0], step.State[1], step.State[2], Adam.Settings(step, options.Beta1, options.Beta2, options.Epsilon, decoupled: true));
            return;
        }

        Updates.AdamWStep(step.Value, step.Grad, step.State[0], step.State[1], new AdamWSettings
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
