using Hieno.Formats;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>
/// Steps each weight within the backward pass, as soon as its gradient is complete, and gives the gradient's memory back: so the gradients of all
/// weights are never in memory together. The weights become the same, bit for bit, as when they are stepped after the pass.
/// </summary>
/// <remarks>Lv et al. 2023, <see href="https://arxiv.org/abs/2306.09782"/>, section 3.1, for any optimizer that steps each weight by itself.</remarks>
internal sealed class StepInBackward
{
    private readonly WeightwiseOptimizer _optimizer;
    private readonly Dictionary<Tensor, OptimizedParameter> _weights;
    private double _rate;
    private double _squares;

    private StepInBackward(WeightwiseOptimizer optimizer, IReadOnlyList<OptimizedParameter> weights)
    {
        _optimizer = optimizer;
        _weights = weights.ToDictionary(item => item.Parameter.Value);
    }

    /// <summary>The norm of the step's gradient, with that of the weights that are yet to be stepped.</summary>
    public double Norm => Math.Sqrt(_squares + Math.Pow(GradientClipping.Norm(_weights.Values.Select(item => item.Parameter)), 2));

    /// <summary>Sets it up for a run.</summary>
    /// <returns>Null where it was not asked for.</returns>
    /// <exception cref="TrainingException">Something of the run needs all gradients together.</exception>
    public static StepInBackward? Create(TrainingOptions options, TunedModel tuned, IOptimizer optimizer, IReadOnlyList<OptimizedParameter> weights)
    {
        if (!options.StepInBackward)
        {
            return null;
        }

        string? obstacle = optimizer is not WeightwiseOptimizer ? $"the optimizer {optimizer.GetType().Name} does not step each weight by itself"
            : tuned.StepRule is not null ? "the method itself looks at all gradients of a step"
            : tuned.Masks.Count > 0 ? "of some weights only parts learn"
            : null;
        return obstacle is null
            ? new StepInBackward((WeightwiseOptimizer)optimizer, weights)
            : throw new TrainingException(ErrorCodes.RecipeSettingsConflict, "training.stepInBackward", $"weights cannot be stepped one by one: {obstacle}", "Take the setting out of the recipe");
    }

    /// <summary>Begins a step.</summary>
    /// <param name="rate">Its learning rate.</param>
    public void Begin(double rate) => (_rate, _squares) = (rate, 0);

    /// <summary>Steps a weight whose gradient is complete. Once a gradient is not finite no further weight is changed.</summary>
    public void Take(Tensor weight)
    {
        if (!_weights.TryGetValue(weight, out OptimizedParameter? item))
        {
            return;
        }

        double squares = _squares + Updates.SquaredNorm(weight.Grad!);
        if (double.IsFinite(squares))
        {
            _squares = squares;
            _optimizer.Step(item, _rate, gradientScale: 1);
            weight.ClearGrad();
        }
    }
}
