using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Adadelta"/>.</summary>
public sealed record AdadeltaOptions : OptimizerOptions
{
    /// <summary>Weight decay, added to the gradient; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>Decay rate of both means. Default 0.9.</summary>
    [Range(0.0, 0.99999)]
    public double Rho { get; init; } = 0.9;

    /// <summary>Added under both roots; it decides how large the first steps are. Default 1e-6.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>1: the method finds its own step size, which the rate multiplies.</summary>
    public override double DefaultLearningRate(double ofAdamW) => 1;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Adadelta(this, parameters);
}

/// <summary>Steps in the unit of the weights: each is divided by the size of recent gradients and multiplied by that of recent steps.</summary>
/// <remarks>Zeiler 2012, <see href="https://arxiv.org/abs/1212.5701"/>, algorithm 1, in PyTorch's form.</remarks>
public sealed class Adadelta(AdadeltaOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("square_avg", parameter.Value.Shape), new("acc_delta", parameter.Value.Shape)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.AdadeltaStep(step.Value, step.Grad, step.State[0], step.State[1], new AdadeltaSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Rho = options.Rho,
            Epsilon = options.Epsilon,
        });
    }
}
