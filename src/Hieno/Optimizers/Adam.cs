using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Adam"/>.</summary>
public sealed record AdamOptions : OptimizerOptions
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

    /// <summary>Divides by the largest second mean so far (AMSGrad), for 4 more bytes a weight. Default false.</summary>
    public bool AmsGrad { get; init; }

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Adam(this, parameters);
}

/// <summary>Adam with bias correction; weight decay is a part of the gradient, and so rescaled with it.</summary>
/// <remarks>Kingma and Ba 2015, <see href="https://arxiv.org/abs/1412.6980"/>, algorithm 1; AMSGrad: Reddi et al. 2018, <see href="https://arxiv.org/abs/1904.09237"/>, algorithm 2.</remarks>
public sealed class Adam(AdamOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter) => Parts(parameter, options.AmsGrad);

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Tensor? largest = options.AmsGrad ? step.State[2] : null;
        Updates.AdamStep(step.Value, step.Grad, step.State[0], step.State[1], largest, Settings(step, options.Beta1, options.Beta2, options.Epsilon, decoupled: false));
    }

    /// <summary>What Adam remembers of a weight, with or without decoupled decay.</summary>
    internal static IReadOnlyList<StatePart> Parts(Parameter parameter, bool amsGrad)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Shape shape = parameter.Value.Shape;
        return amsGrad ? [new("exp_avg", shape), new("exp_avg_sq", shape), new("max_exp_avg_sq", shape)] : [new("exp_avg", shape), new("exp_avg_sq", shape)];
    }

    /// <summary>What a step of Adam in any of its forms is told.</summary>
    internal static AdamSettings Settings(in WeightStep step, double beta1, double beta2, double epsilon, bool decoupled) => new()
    {
        LearningRate = step.LearningRate,
        WeightDecay = step.WeightDecay,
        Step = step.Number,
        GradScale = step.GradScale,
        Beta1 = beta1,
        Beta2 = beta2,
        Epsilon = epsilon,
        Decoupled = decoupled,
    };
}
