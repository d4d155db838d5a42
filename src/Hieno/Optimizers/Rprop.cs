using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Rprop"/>.</summary>
public sealed record RpropOptions : OptimizerOptions
{
    /// <summary>Not used: a decay would change the signs. Default 0, the only value.</summary>
    [Range(0.0, 0.0)]
    public override double WeightDecay { get; init; }

    /// <summary>After a change of sign a weight steps this many times as far. Default 0.5.</summary>
    [Range(0.000001, 0.999999)]
    public double Shrink { get; init; } = 0.5;

    /// <summary>While the sign stays a weight steps this many times as far. Default 1.2.</summary>
    [Range(1.0, 100.0)]
    public double Grow { get; init; } = 1.2;

    /// <summary>The smallest step, as a multiple of the rate. Default 1e-4.</summary>
    [Range(0.0, 1.0)]
    public double Least { get; init; } = 1e-4;

    /// <summary>The largest step, as a multiple of the rate. Default 5000.</summary>
    [Range(1.0, 1e9)]
    public double Most { get; init; } = 5000;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Rprop(this, parameters);
}

/// <summary>Reads only the signs of the gradients: a weight whose gradient keeps its sign steps farther each time. For batches that hold all rows.</summary>
/// <remarks>Riedmiller and Braun 1993, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", in PyTorch's form.</remarks>
public sealed class Rprop(RpropOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return [new("prev", parameter.Value.Shape), new("step_size", parameter.Value.Shape, Initial: 1)];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.RpropStep(step.Value, step.Grad, step.State[0], step.State[1], new RpropSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Shrink = options.Shrink,
            Grow = options.Grow,
            Least = options.Least,
            Most = options.Most,
        });
    }
}
