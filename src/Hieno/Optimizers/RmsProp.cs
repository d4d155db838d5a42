using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="RmsProp"/>.</summary>
public sealed record RmsPropOptions : OptimizerOptions
{
    /// <summary>Weight decay, added to the gradient; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>Decay rate of the means. Default 0.99.</summary>
    [Range(0.0, 0.99999)]
    public double Alpha { get; init; } = 0.99;

    /// <summary>Share of the momentum that is kept. Default 0: none.</summary>
    [Range(0.0, 0.99999)]
    public double Momentum { get; init; }

    /// <summary>Divides by the root of the variance, not of the mean square, for 4 more bytes a weight. Default false.</summary>
    public bool Centered { get; init; }

    /// <summary>Added to the root. Default 1e-8.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new RmsProp(this, parameters);
}

/// <summary>Divides by the root of the mean of recent squared gradients.</summary>
/// <remarks>Tieleman and Hinton 2012, "Lecture 6.5: RMSprop"; centred: Graves 2013, <see href="https://arxiv.org/abs/1308.0850"/>; in PyTorch's form.</remarks>
public sealed class RmsProp(RmsPropOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Shape shape = parameter.Value.Shape;
        var parts = new List<StatePart> { new("square_avg", shape) };
        if (options.Centered)
        {
            parts.Add(new StatePart("grad_avg", shape));
        }

        if (options.Momentum > 0)
        {
            parts.Add(new StatePart("momentum_buffer", shape));
        }

        return parts;
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.RmsPropStep(step.Value, step.Grad, step.State[0], options.Centered ? step.State[1] : null, options.Momentum > 0 ? step.State[^1] : null, new RmsPropSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Alpha = options.Alpha,
            Momentum = options.Momentum,
            Epsilon = options.Epsilon,
        });
    }
}
