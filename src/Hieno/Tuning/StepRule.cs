using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// What a method does in each step beside the optimizer: it adds a term to the loss, or changes weights that have just been stepped. What it
/// remembers is saved with each checkpoint, so that a resumed run goes on bit for bit.
/// </summary>
public abstract class StepRule
{
    /// <summary>Learns how long the run is; called once in each sitting of a run, before its first step.</summary>
    /// <param name="totalSteps">Optimizer steps of the whole run.</param>
    /// <exception cref="TuningException">The method's settings do not fit so many steps.</exception>
    public virtual void Begin(long totalSteps)
    {
    }

    /// <summary>Adds the gradient of the method's own term of the loss to the gradients that are there.</summary>
    /// <returns>The term, which belongs to the loss; 0 where there is none.</returns>
    public virtual double AddGradient() => 0;

    /// <summary>Acts after a step of the optimizer, while the gradients are still there.</summary>
    /// <param name="step">Steps done, this one included.</param>
    /// <param name="gradientScale">What the optimizer multiplied every gradient by (clipping).</param>
    public virtual void AfterStep(long step, float gradientScale)
    {
    }

    /// <summary>What it remembers, by name, for checkpoints.</summary>
    public virtual IEnumerable<(string Name, Tensor Value)> State => [];

    /// <summary>Takes back what a checkpoint holds.</summary>
    /// <param name="find">Given a name and a shape, the saved tensor, or null where there is none.</param>
    public virtual void Restore(Func<string, Shape, Tensor?> find)
    {
    }
}
