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
public sealed class Sgd(SgdOptions options, IReadOnlyList<OptimizedParameter> parameters) : IOptimizer
{
    private readonly Dictionary<Parameter, Velocity> _velocities = [];

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Value)> State => parameters
        .Where(item => _velocities.ContainsKey(item.Parameter))
        .SelectMany(item =>
        {
            (string name, Velocity velocity) = (item.Parameter.Name, _velocities[item.Parameter]);
            (string, Tensor) steps = SavedState.CountOf(name, velocity.Steps);
            return velocity.Momentum is { } momentum ? new[] { ($"{name}.momentum_buffer", momentum), steps } : [steps];
        });

    /// <inheritdoc/>
    public void Step(double learningRate, float gradientScale)
    {
        foreach ((Parameter parameter, double factor, double decay) in parameters)
        {
            if (parameter.Value.Grad is not { } grad)
            {
                continue;
            }

            if (!_velocities.TryGetValue(parameter, out Velocity? velocity))
            {
                Tensor? momentum = options.Momentum > 0 ? Tensor.CreateLongLived(parameter.Value.Shape, DType.F32, parameter.Value.Backend) : null;
                _velocities[parameter] = velocity = new Velocity(momentum);
            }

            velocity.Steps++;
            Updates.SgdStep(parameter.Value, grad, velocity.Momentum, new SgdSettings
            {
                LearningRate = learningRate * factor,
                Momentum = options.Momentum,
                Dampening = options.Dampening,
                Nesterov = options.Nesterov,
                WeightDecay = decay,
                Step = velocity.Steps,
                GradScale = gradientScale,
            });
        }
    }

    /// <inheritdoc/>
    public void Restore(Func<string, Shape, Tensor?> find)
    {
        ArgumentNullException.ThrowIfNull(find);
        _velocities.Clear();
        foreach (OptimizedParameter item in parameters)
        {
            string[] parts = options.Momentum > 0 ? ["momentum_buffer"] : [];
            if (SavedState.Find(find, item.Parameter.Name, item.Parameter.Value.Shape, parts) is { } saved)
            {
                _velocities[item.Parameter] = new Velocity(saved.Parts.FirstOrDefault()) { Steps = saved.Steps };
            }
        }
    }

    private sealed class Velocity(Tensor? momentum)
    {
        public Tensor? Momentum { get; } = momentum;

        public int Steps { get; set; }
    }
}
