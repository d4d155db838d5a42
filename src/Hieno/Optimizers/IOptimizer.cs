using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>How weights are changed: the settings under <c>training.optimizer:</c> of a recipe, chosen by <c>kind</c>.</summary>
public abstract record OptimizerOptions
{
    /// <summary>Share λ of each weight that is taken off in a step, times the learning rate; biases and norms are spared. Default 0.</summary>
    public abstract double WeightDecay { get; init; }

    /// <summary>The optimizer over these weights.</summary>
    public abstract IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters);
}

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
    /// <param name="find">Given a name and a shape, the saved tensor, or null where there is none: that weight has not been stepped.</param>
    /// <exception cref="Formats.CheckpointException">The checkpoint holds a part of a weight's state only, or a count that makes no sense.</exception>
    void Restore(Func<string, Shape, Tensor?> find);
}
