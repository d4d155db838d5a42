using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="Sgd"/>.</summary>
public sealed record SgdOptions : OptimizerOptions, IValidated
{
    /// <summary>Weight decay, added to the gradient; biases and norms are spared. Default 0.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; }

    /// <summary>Share of the momentum that is kept. Default 0: none.</summary>
    [Range(0.0, 0.99999)]
    public double Momentum { get; init; }

    /// <summary>Share of the gradient that does not enter the momentum. Default 0.</summary>
    [Range(0.0, 1.0)]
    public double Dampening { get; init; }

    /// <summary>Looks ahead along the momentum (Nesterov). Default false.</summary>
    public bool Nesterov { get; init; }

    /// <summary>How many times AdamW's rate gradient descent gets where a recipe gives none.</summary>
    internal const double RateBesideAdamW = 500;

    /// <summary>500 times AdamW's, a choice of Hieno: 0.01 where AdamW has 2e-5.</summary>
    public override double DefaultLearningRate(double ofAdamW) => RateBesideAdamW * ofAdamW;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new Sgd(this, parameters);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Nesterov && (Momentum == 0 || Dampening != 0))
        {
            yield return "'nesterov' needs a 'momentum' above 0 and no 'dampening'";
        }
    }
}

/// <summary>Gradient descent, with momentum where asked for.</summary>
/// <remarks>Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", section 2, in PyTorch's form.</remarks>
public sealed class Sgd(SgdOptions options, IReadOnlyList<OptimizedParameter> parameters) : WeightwiseOptimizer(parameters)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<StatePart> PartsOf(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return options.Momentum > 0 ? [new("momentum_buffer", parameter.Value.Shape)] : [];
    }

    /// <inheritdoc/>
    protected override void StepWeight(in WeightStep step)
    {
        Updates.SgdStep(step.Value, step.Grad, step.State.Count > 0 ? step.State[0] : null, new SgdSettings
        {
            LearningRate = step.LearningRate,
            WeightDecay = step.WeightDecay,
            Step = step.Number,
            GradScale = step.GradScale,
            Momentum = options.Momentum,
            Dampening = options.Dampening,
            Nesterov = options.Nesterov,
        });
    }
}
