using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="NAdam"/>.</summary>
public sealed record NAdamOptions : OptimizerOptions
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

    /// <summary>ψ: how fast the momentum grows from half of beta1 to beta1. Default 0.004.</summary>
    [Range(0.0, 10.0)]
    public double MomentumDecay { get; init; } = 0.004;

    /// <summary>Twice AdamW's, as the defaults of PyTorch's optimizers are to each other.</summary>
    public override double DefaultLearningRate(double ofAdamW) => 2 * ofAdamW;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new NAdam(this, parameters);
}

/// <summary>Adam that looks ahead along its momentum.</summary>
/// <remarks>Dozat 2016, "Incorporating Nesterov momentum into Adam", in PyTorch's form.</remarks>
public sealed class NAdam(NAdamOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    private readonly List<double> _products = [1]; // Π μ up to each step; a function of the settings, so that it needs no place in checkpoints

    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("exp_avg", parameter.Value.Shape), new("exp_avg_sq", parameter.Value.Shape)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.NAdamStep(step.Value, step.Grad, step.State[0], step.State[1], new NAdamSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Epsilon = options.Epsilon,
            MomentumNow = Momentum(step.Number),
            MomentumNext = Momentum(step.Number + 1),
            MomentumProduct = MomentumProduct(step.Number),
            MomentumProductNext = MomentumProduct(step.Number + 1),
        });
    }

    private double Momentum(int step) => NAdamSettings.Momentum(options.Beta1, options.MomentumDecay, step);

    private double MomentumProduct(int step)
    {
        for (int t = _products.Count; t <= step; t++)
        {
            _products.Add(_products[^1] * Momentum(t));
        }

        return _products[step];
    }
}
