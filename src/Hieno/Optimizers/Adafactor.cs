using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Adafactor"/>.</summary>
public sealed record AdafactorOptions : OptimizerOptions, IValidated
{
    /// <summary>Share of each weight taken off in a step, times the learning rate; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>β₁: decay rate of a mean of the changes, for 4 more bytes a weight. Default 0: none.</summary>
    [Range(0.0, 0.99999)]
    public double Beta1 { get; init; }

    /// <summary>γ of the decay rate of the second mean, β₂ₜ = 1 − t^γ. Default −0.8.</summary>
    [Range(-1.0, -0.01)]
    public double DecayRate { get; init; } = -0.8;

    /// <summary>ε₁: added to squared gradients. Default 1e-30.</summary>
    [Range(1e-37, 1.0)]
    public double Epsilon { get; init; } = 1e-30;

    /// <summary>d: changes whose root mean square is above this are scaled down. Default 1.</summary>
    [Range(1e-6, 1e6)]
    public double ClipThreshold { get; init; } = 1;

    /// <summary>Multiplies the rate by the root mean square of each weight, so that a rate of 1e-3 changes it by a thousandth. Default true.</summary>
    public bool ScaleParameter { get; init; } = true;

    /// <summary>ε₂: what that root mean square is at least. Default 1e-3.</summary>
    [Range(0.0, 1e6)]
    public double LeastScale { get; init; } = 1e-3;

    /// <summary>The paper's own rate, min(1e-2, 1/√t), which the learning rate then multiplies: give 1. Default false.</summary>
    public bool RelativeStep { get; init; }

    /// <summary>With relativeStep the rate begins as 1e-6·t in place of 1e-2. Default false.</summary>
    public bool WarmupInit { get; init; }

    /// <summary>With relativeStep 1. Else, where the weights' size multiplies it, 10 times AdamW's, a choice of Hieno; without that AdamW's.</summary>
    public override double DefaultLearningRate(double ofAdamW) => RelativeStep ? 1 : ScaleParameter ? 10 * ofAdamW : ofAdamW;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Adafactor(this, parameters);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (WarmupInit && !RelativeStep)
        {
            yield return "'warmupInit' is a part of 'relativeStep'. Set that to true as well, or use 'training.warmupSteps'";
        }
    }
}

/// <summary>Keeps the second mean of a matrix as the means of its rows and columns: hardly any memory.</summary>
/// <remarks>Shazeer and Stern 2018, <see href="https://arxiv.org/abs/1804.04235"/>, algorithm 6, with the settings of Hugging Face's implementation. Weights of more than two dimensions count as rows of their last.</remarks>
public sealed class Adafactor(AdafactorOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Tensor weight = parameter.Value;
        var parts = new List<StatePart>();
        if (weight.Rows > 1)
        {
            parts.Add(new StatePart("exp_avg_sq_row", [weight.Rows]));
        }

        parts.Add(new StatePart(weight.Rows > 1 ? "exp_avg_sq_col" : "exp_avg_sq", [weight.Columns]));
        if (options.Beta1 > 0)
        {
            parts.Add(new StatePart("exp_avg", weight.Shape));
        }

        return parts;
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        bool isMatrix = step.Value.Rows > 1;
        Updates.AdafactorStep(step.Value, step.Grad, isMatrix ? step.State[0] : null, step.State[isMatrix ? 1 : 0], options.Beta1 > 0 ? step.State[^1] : null, new AdafactorSettings
        {
            LearningRate = RateOf(step),
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Beta1 = options.Beta1,
            Beta2 = 1 - Math.Pow(step.Number, options.DecayRate),
            Epsilon = options.Epsilon,
            ClipThreshold = options.ClipThreshold,
        });
    }

    // α = max(ε₂, RMS(w))·ρ.
    private double RateOf(in WeightStep step)
    {
        double relative = options.RelativeStep ? Math.Min(options.WarmupInit ? 1e-6 * step.Number : 1e-2, 1 / Math.Sqrt(step.Number)) : 1;
        double scale = options.ScaleParameter ? Math.Max(options.LeastScale, Math.Sqrt(Updates.SquaredNorm(step.Value) / step.Value.Count)) : 1;
        return step.LearningRate * relative * scale;
    }
}
