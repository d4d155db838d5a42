using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>A tensor that an optimizer remembers of a weight.</summary>
/// <param name="Name">Its name after the weight's, e.g. <c>exp_avg</c>.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="DType">How it is stored: <see cref="Tensors.DType.F32"/>, or <see cref="Tensors.DType.U8"/> for codes.</param>
/// <param name="Initial">What every element of a 32-bit tensor is before the weight's first step.</param>
public sealed record StatePart(string Name, Shape Shape, DType DType = DType.F32, float Initial = 0);

/// <summary>One step of one weight.</summary>
/// <param name="Parameter">The weight.</param>
/// <param name="Grad">Its gradient, which <paramref name="GradScale"/> multiplies first.</param>
/// <param name="State">What is remembered of it, in the order in which <see cref="WeightwiseOptimizer"/> was told of the parts; changed in place.</param>
/// <param name="Number">The number of its step, counted from 1.</param>
/// <param name="LearningRate">Its rate.</param>
/// <param name="WeightDecay">Its weight decay.</param>
/// <param name="GradScale">The factor of every gradient.</param>
public readonly record struct WeightStep(
    Parameter Parameter, Tensor Grad, IReadOnlyList<Tensor> State, int Number, double LearningRate, double WeightDecay, float GradScale)
{
    /// <summary>The weight's numbers.</summary>
    public Tensor Value => Parameter.Value;
}

/// <summary>
/// An optimizer that steps each weight by itself: it says what it remembers of a weight, and what a step does. Frozen weights have no state, and a weight's
/// first step is its step 1, whenever it comes.
/// </summary>
/// <param name="parameters">The weights that learn.</param>
public abstract class WeightwiseOptimizer(IReadOnlyList<OptimizedParameter> parameters) : IOptimizer
{
    private readonly Dictionary<Parameter, Remembered> _states = [];

    /// <summary>The weights that learn.</summary>
    protected IReadOnlyList<OptimizedParameter> Parameters { get; } = parameters;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Value)> State => Parameters
        .Where(item => _states.ContainsKey(item.Parameter))
        .SelectMany(item =>
        {
            Remembered state = _states[item.Parameter];
            string name = item.Parameter.Name;
            return PartsOf(item.Parameter).Select((part, i) => ($"{name}.{part.Name}", state.Parts[i])).Append(SavedState.CountOf(name, state.Steps));
        });

    /// <inheritdoc/>
    public void Step(double learningRate, float gradientScale)
    {
        foreach (OptimizedParameter item in Parameters)
        {
            Step(item, learningRate, gradientScale);
        }
    }

    /// <summary>Changes one weight, if it has a gradient. Weights may be stepped in any order, each once a step.</summary>
    /// <param name="item">The weight, one of <see cref="Parameters"/>.</param>
    /// <param name="learningRate">The rate of this step; the weight's own factor multiplies it.</param>
    /// <param name="gradientScale">Its gradient is multiplied by this first.</param>
    public void Step(OptimizedParameter item, double learningRate, float gradientScale)
    {
        ArgumentNullException.ThrowIfNull(item);
        (Parameter parameter, double factor, double decay) = item;
        if (parameter.Value.Grad is not { } grad)
        {
            return;
        }

        if (!_states.TryGetValue(parameter, out Remembered? state))
        {
            _states[parameter] = state = new Remembered([.. PartsOf(parameter).Select(part => Create(part, parameter.Value.Backend))]);
        }

        state.Steps++;
        StepWeight(new WeightStep(parameter, grad, state.Parts, state.Steps, learningRate * factor, decay, gradientScale));
    }

    /// <inheritdoc/>
    public void Restore(StateSource find)
    {
        ArgumentNullException.ThrowIfNull(find);
        _states.Clear();
        foreach (OptimizedParameter item in Parameters)
        {
            if (SavedState.Find(find, item.Parameter.Name, PartsOf(item.Parameter)) is { } saved)
            {
                _states[item.Parameter] = new Remembered(saved.Parts) { Steps = saved.Steps };
            }
        }
    }

    /// <inheritdoc/>
    public void Forget(Parameter parameter) => _states.Remove(parameter);

    /// <inheritdoc/>
    public virtual void ExchangeAverages()
    {
    }

    /// <summary>What is remembered of a weight, beside the number of its steps. Always the same for the same weight.</summary>
    protected abstract IReadOnlyList<StatePart> PartsOf(Parameter parameter);

    /// <summary>Steps one weight.</summary>
    protected abstract void StepWeight(in WeightStep step);

    /// <summary>What is remembered of a weight that has been stepped, or null.</summary>
    protected IReadOnlyList<Tensor>? StateOf(Parameter parameter) => _states.GetValueOrDefault(parameter)?.Parts;

    private static Tensor Create(StatePart part, Backend backend)
    {
        Tensor tensor = Tensor.CreateLongLived(part.Shape, part.DType, backend);
        if (part.Initial != 0)
        {
            backend.Fill(tensor, part.Initial);
        }

        return tensor;
    }

    private sealed class Remembered(Tensor[] parts)
    {
        public Tensor[] Parts { get; } = parts;

        public int Steps { get; set; }
    }
}
