using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="AdamMini"/>.</summary>
public sealed record AdamMiniOptions : OptimizerOptions
{
    /// <summary>Share of each weight taken off in a step, times the learning rate; biases and norms are spared. Default 0.01.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; } = 0.01;

    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    [Range(0.0, 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the blocks' mean squares. Default 0.999.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new AdamMini(this, parameters);
}

/// <summary>AdamW with one step size for each row of a matrix: half of AdamW's memory.</summary>
/// <remarks>Zhang et al. 2024, <see href="https://arxiv.org/abs/2406.16793"/>, algorithms 1 and 3: output neurons and tokens are blocks, offsets have a step size for each number, other vectors one for all. Rows of queries and keys have one each, too, where the paper takes whole heads; that choice is Hieno's.</remarks>
public sealed class AdamMini(AdamMiniOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Tensor weight = parameter.Value;
        Shape blocks = parameter.IsBias ? weight.Shape : weight.Shape.Rank < 2 ? [1] : [parameter.IsTransposed ? weight.Columns : weight.Rows];
        return [new("exp_avg", weight.Shape), new("exp_avg_sq", blocks)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        (Tensor weight, Tensor grad, Tensor mean) = (step.Value, step.Grad, step.State[0]);
        if (step.Parameter.IsBias)
        {
            Updates.AdamStep(weight, grad, mean, step.State[1], largest: null, Adam.Settings(step, options.Beta1, options.Beta2, options.Epsilon, decoupled: true));
            return;
        }

        if (weight.Shape.Rank < 2)
        {
            Shape row = [1, checked((int)weight.Count)];
            (weight, grad, mean) = (weight.View(row), grad.View(row), mean.View(row));
        }

        Updates.AdamMiniStep(weight, grad, mean, step.State[1], new AdamMiniSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Epsilon = options.Epsilon,
            ByColumn = step.Parameter.IsTransposed,
        });
    }
}
