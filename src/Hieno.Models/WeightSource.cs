using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Where weights come from.</summary>
public abstract class WeightSource
{
    /// <summary>True when the weight can be had.</summary>
    public abstract bool Has(string name);

    /// <summary>The weight, or a placeholder of the right shape after noting a fault.</summary>
    /// <param name="name">The full checkpoint name.</param>
    /// <param name="shape">The expected shape.</param>
    /// <param name="initializer">First values, where it is created.</param>
    /// <param name="mayBeNew">True where absence is no fault: the head of a new task.</param>
    public abstract Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew);

    /// <summary>The weight of a linear layer below the head, which may be stored in fewer bits; as <see cref="Take"/> unless overridden.</summary>
    /// <param name="path">The layer's path.</param>
    /// <param name="shape">The expected shape.</param>
    /// <param name="initializer">First values, where it is created.</param>
    public virtual Tensor TakeProjection(string path, Shape shape, Initializer initializer) => Take($"{path}.weight", shape, initializer, mayBeNew: false);
}

/// <summary>Weights that start at random: pretraining, and the honest from-scratch baseline.</summary>
/// <param name="seed">The seed of the run.</param>
/// <param name="backend">Where the weights lie; the default backend when null.</param>
public sealed class RandomWeights(ulong seed, Backend? backend = null) : WeightSource
{
    /// <inheritdoc/>
    public override bool Has(string name) => true;

    /// <inheritdoc/>
    public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew) => initializer.Create(shape, seed, name, backend);
}
