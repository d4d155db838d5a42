using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Layer normalisation: each row is centred, divided by its deviation, scaled and shifted.</summary>
/// <remarks>Ba et al. 2016, <see href="https://arxiv.org/abs/1607.06450"/>.</remarks>
public sealed class LayerNorm : Normalization
{
    private readonly float _eps;

    /// <summary>Takes <c>weight</c> and <c>bias</c> from <paramref name="w"/>.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="width">Width of the rows.</param>
    /// <param name="eps">Added under the root.</param>
    /// <param name="gain">False for a layer that does not scale.</param>
    /// <param name="bias">False for a layer that does not shift.</param>
    public LayerNorm(WeightScope w, int width, float eps, bool gain = true, bool bias = true)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        _eps = eps;
        WeightScope norm = WeightsOf(w);
        Gain = gain ? Add(norm.Weight("weight", [width], Initializer.Ones)) : null;
        Offset = bias ? Add(norm.Weight("bias", [width], Initializer.Zeros)) : null;
    }

    /// <summary>The scale, [width], or null.</summary>
    public Parameter? Gain { get; }

    /// <summary>The shift, [width], or null.</summary>
    public Parameter? Offset { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Ops.LayerNorm(x, Gain?.Value, Offset?.Value, _eps);
}
