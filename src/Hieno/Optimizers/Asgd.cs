using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Asgd"/>.</summary>
public sealed record AsgdOptions : OptimizerOptions
{
    /// <summary>Weight decay, added to the gradient; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>λ: the rate falls as 1 / (1 + λ·η·(t − 1))^alpha, and each step takes off the share η·λ of a weight. Default 1e-4.</summary>
    [Range(0.0, 1e6)]
    public double Lambda { get; init; } = 1e-4;

    /// <summary>The power with which the rate falls. Default 0.75.</summary>
    [Range(0.0, 10.0)]
    public double Alpha { get; init; } = 0.75;

    /// <summary>Steps of a weight before its average begins. Default 0.</summary>
    [Range(0, int.MaxValue)]
    public int AverageFrom { get; init; }

    /// <summary>500 times AdamW's, a choice of Hieno: 0.01 where AdamW has 2e-5.</summary>
    public override double DefaultLearningRate(double ofAdamW) => SgdOptions.RateBesideAdamW * ofAdamW;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Asgd(this, parameters);
}

/// <summary>Gradient descent with a falling rate, whose result is the average of the weights on the way.</summary>
/// <remarks>Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging", in PyTorch's form. Evaluations and the final model read the average.</remarks>
public sealed class Asgd(AsgdOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("ax", parameter.Value.Shape)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.AsgdStep(step.Value, step.Grad, step.State[0], new AsgdSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Lambda = options.Lambda,
            Alpha = options.Alpha,
            AverageFrom = options.AverageFrom,
        });
    }

    /// <inheritdoc/>
    public override void ExchangeAverages()
    {
        foreach (OptimizedParameter item in Parameters)
        {
            if (StateOf(item.Parameter) is [var average])
            {
                Exchange(item.Parameter.Value, average);
            }
        }
    }

    private static void Exchange(Tensor a, Tensor b)
    {
        Tensor kept = Tensor.CreateLongLived(a.Shape, DType.F32, a.Backend);
        a.Backend.Copy(a, kept);
        a.Backend.Copy(b, a);
        a.Backend.Copy(kept, b);
    }
}
