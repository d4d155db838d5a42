using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>How weights are changed: the settings under <c>training.optimizer:</c> of a recipe, chosen by <c>kind</c>.</summary>
public abstract record OptimizerOptions
{
    /// <summary>Share λ of each weight that is taken off in a step, times the learning rate; biases and norms are spared. Default 0.</summary>
    public abstract double WeightDecay { get; init; }

    /// <summary>The learning rate where a recipe gives none.</summary>
    /// <param name="ofAdamW">The rate that AdamW would be given for the method at hand, e.g. 2e-5.</param>
    public virtual double DefaultLearningRate(double ofAdamW) => ofAdamW;

    /// <summary>The optimizer over these weights.</summary>
    public abstract IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters);
}

/// <summary>Where an optimizer finds what it remembered.</summary>
/// <param name="name">The tensor's name.</param>
/// <param name="shape">Its shape.</param>
/// <param name="dtype">How it is stored: <see cref="DType.F32"/>, or <see cref="DType.U8"/> for codes.</param>
/// <returns>The saved tensor, or null where there is none: that weight has not been stepped.</returns>
public delegate Tensor? StateSource(string name, Shape shape, DType dtype);

/// <summary>Changes weights by their gradients.</summary>
public interface IOptimizer
{
    /// <summary>What it remembers of each weight it has stepped, by name, for checkpoints: restored, it continues bit for bit.</summary>
    IEnumerable<(string Name, Tensor Value)> State { get; }

    /// <summary>Changes each weight that has a gradient.</summary>
    /// <param name="learningRate">The rate of this step; each weight's own factor multiplies it.</param>
    /// <param name="gradientScale">Every gradient is multiplied by this first (clipping).</param>
    void Step(double learningRate, float gradientScale);

    /// <summary>Takes back what a checkpoint holds.</summary>
    /// <param name="find">Finds what was saved.</param>
    /// <exception cref="Formats.CheckpointException">The checkpoint holds a part of a weight's state only, or a count that makes no sense.</exception>
    void Restore(StateSource find);

    /// <summary>Forgets what it remembers of a weight that no longer learns. Should it learn again, its next step is its first.</summary>
    void Forget(Parameter parameter);

    /// <summary>
    /// Exchanges each weight with the average of its past values, where the method keeps one: called before and after weights are judged, and once when
    /// training has ended. Others have nothing to exchange.
    /// </summary>
    void ExchangeAverages()
    {
    }
}
