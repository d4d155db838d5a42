using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A layer that brings each row to a common size.</summary>
/// <param name="path">Its checkpoint path.</param>
public abstract class Normalization(string path) : Module(path)
{
    /// <summary>Normalises the rows of <paramref name="x"/>.</summary>
    /// <param name="x">[..., width].</param>
    /// <returns>Shape of <paramref name="x"/>.</returns>
    public abstract Tensor Forward(Tensor x);

    // A head's norm is part of the head: it may be new, and is trained with it.
    private protected static WeightScope WeightsOf(WeightScope w)
    {
        ArgumentNullException.ThrowIfNull(w);
        return w.As(w.Kind == ParameterKind.Head ? ParameterKind.Head : ParameterKind.Norm);
    }
}
