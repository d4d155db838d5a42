using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Adagrad"/>.</summary>
public sealed record AdagradOptions : OptimizerOptions
{
    /// <summary>Weight decay, added to the gradient; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>The rate falls as 1 / (1 + (t − 1)·rateDecay). Default 0: not at all.</summary>
    [Range(0.0, 1e6)]
    public double RateDecay { get; init; }

    /// <summary>What the sums begin with. Default 0.</summary>
    [Range(0.0, 1e6)]
    public double InitialSum { get; init; }

    /// <summary>Added to the root. Default 1e-10.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-10;

    /// <summary>Ten times AdamW's, as the defaults of PyTorch's optimizers are to each other.</summary>
    public override double DefaultLearningRate(double ofAdamW) => 10 * ofAdamW;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Adagrad(this, parameters);
}

/// <summary>Divides by the root of the sum of all squared gradients: weights that are often changed learn ever more slowly.</summary>
/// <remarks>Duchi et al. 2011, "Adaptive subgradient methods for online learning and stochastic optimization", Journal of Machine Learning Research 12, in PyTorch's form.</remarks>
public sealed class Adagrad(AdagradOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("sum", parameter.Value.Shape, Initial: (float)options.InitialSum)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.AdagradStep(step.Value, step.Grad, step.State[0], new AdagradSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            RateDecay = options.RateDecay,
            Epsilon = options.Epsilon,
        });
    }
}
